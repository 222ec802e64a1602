// URIs that name things, each with where it was read.

/** NHS number, UK Core Patient identifier slice. */
export const NHS_NUMBER_SYSTEM = 'https://fhir.nhs.uk/Id/nhs-number'
/** ODS organisation code. The z is right: the StructureDefinition fixes it, UK Core prose has an s. */
export const ODS_CODE_SYSTEM = 'https://fhir.nhs.uk/Id/ods-organization-code'
/** SNOMED CT, UK edition and dm+d included. */
export const SNOMED_SYSTEM = 'http://snomed.info/sct'
/** NHS dictionary of medicines and devices; its codes are SNOMED CT identifiers. */
export const DMD_SYSTEM = 'https://dmd.nhs.uk'
/** UK Core extension that carries the vaccination procedure. */
export const VACCINATION_PROCEDURE_URL =
  'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-VaccinationProcedure'
/** HL7 v3 null flavours, used for an unknown product in vaccineCode (NAVU, UNC, UNK, NA). */
export const NULL_FLAVOR_SYSTEM = 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor'
/** Rule ids of the Hub's own issues: OperationOutcome.issue.details.coding.system. */
export const ISSUE_RULE_SYSTEM = 'https://immunisation-hub.example/CodeSystem/issue-rule'
/** Reasons of a supplier against an error of the programme rules: Immunization.meta.tag. */
export const OVERRIDE_REASON_SYSTEM = 'https://immunisation-hub.example/CodeSystem/override-reason'
/** What is known of a patient beside the vaccination, by the flags of programme files: Immunization.programEligibility. */
export const PATIENT_FLAG_SYSTEM = 'https://immunisation-hub.example/CodeSystem/patient-flag'
/** UK Core extension on an NHS number: 01 is present and verified, 02 to 08 say what is lacking. */
export const NHS_NUMBER_VERIFICATION_URL =
  'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus'
/** Clients of the Hub (the sub of their tokens), where a resource says who did something. */
export const CLIENT_SYSTEM = 'https://immunisation-hub.example/Id/client'
/** X-Request-ID of the request that something came with. */
export const REQUEST_ID_SYSTEM = 'https://immunisation-hub.example/Id/request'
/** The Hub's own key of a patient: says which entries are about the same person, and nothing of who it is. */
export const PATIENT_KEY_SYSTEM = 'https://immunisation-hub.example/Id/patient-key'
/** What the Hub itself does: actions of the audit trail, kinds of review, parts of a Task. */
export const HUB_CODE_SYSTEM = 'https://immunisation-hub.example/CodeSystem/hub'
/** What a resource is made of, where it is not what somebody sent: Resource.meta.tag. */
export const RESOURCE_ORIGIN_SYSTEM = 'https://immunisation-hub.example/CodeSystem/resource-origin'
/** What a record is beside the others of its event, and the group they stand in: an extension of Bundle.entry. */
export const EVENT_MEMBER_URL = 'https://immunisation-hub.example/StructureDefinition/event-member'
/** HL7's extension of a Reference: the element of the target that is meant, as FHIRPath. */
export const TARGET_PATH_URL = 'http://hl7.org/fhir/StructureDefinition/targetPath'
