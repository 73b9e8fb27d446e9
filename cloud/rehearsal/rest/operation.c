#include "cloud/rehearsal/rest/operation.h"

#include <stdio.h>

#define PARAMETERS(...) ((const struct parameter[]) { __VA_ARGS__, { 0 } })

/* clang-format off */
/* A list with a marker, and one with a token (pages.h). */
#define BY_MARKER { "pageSize", IN_QUERY, KIND_PAGE }, { "marker", IN_QUERY, KIND_MARKER }
#define BY_TOKEN { "maxResults", IN_QUERY, KIND_PAGE }, { "nextToken", IN_QUERY, KIND_MARKER }
#define ASCENDING { "isAscendingOrder", IN_QUERY, KIND_FLAG }

static const struct operation operations[] = {
	{ "GetRegistrationCode", "GET", "/registrationcode", registration_code_get, NULL },
	{ "DeleteRegistrationCode", "DELETE", "/registrationcode", registration_code_delete, NULL },
	{ "RegisterCACertificate", "POST", "/cacertificate", ca_register, PARAMETERS(
		{ "setAsActive", IN_QUERY, KIND_FLAG },
		{ "allowAutoRegistration", IN_QUERY, KIND_FLAG },
		{ "caCertificate", IN_BODY, KIND_PEM, true },
		{ "verificationCertificate", IN_BODY, KIND_PEM },
		{ "registrationConfig", IN_BODY, KIND_OBJECT },
		{ "certificateMode", IN_BODY, KIND_MODE },
		{ "tags", IN_BODY, KIND_LIST }) },
	{ "DescribeCACertificate", "GET", "/cacertificate/{}", ca_describe, PARAMETERS(
		{ "caCertificateId", IN_PATH, KIND_ID, true }) },
	{ "UpdateCACertificate", "PUT", "/cacertificate/{}", ca_update, PARAMETERS(
		{ "caCertificateId", IN_PATH, KIND_ID, true },
		{ "newStatus", IN_QUERY, KIND_CA_STATUS },
		{ "newAutoRegistrationStatus", IN_QUERY, KIND_AUTO_REGISTRATION },
		{ "registrationConfig", IN_BODY, KIND_OBJECT },
		{ "removeAutoRegistration", IN_BODY, KIND_FLAG }) },
	{ "ListCACertificates", "GET", "/cacertificates", ca_list, PARAMETERS(
		BY_MARKER, ASCENDING,
		{ "templateName", IN_QUERY, KIND_DOCUMENT }) },
	{ "DeleteCACertificate", "DELETE", "/cacertificate/{}", ca_delete, PARAMETERS(
		{ "caCertificateId", IN_PATH, KIND_ID, true }) },
	{ "RegisterCertificate", "POST", "/certificate/register", certificate_register, PARAMETERS(
		{ "setAsActive", IN_QUERY, KIND_FLAG },
		{ "certificatePem", IN_BODY, KIND_PEM, true },
		{ "caCertificatePem", IN_BODY, KIND_PEM },
		{ "status", IN_BODY, KIND_STATUS }) },
	{ "RegisterCertificateWithoutCA", "POST", "/certificate/register-no-ca", certificate_register_without_ca, PARAMETERS(
		{ "certificatePem", IN_BODY, KIND_PEM, true },
		{ "status", IN_BODY, KIND_STATUS }) },
	{ "DescribeCertificate", "GET", "/certificates/{}", certificate_describe, PARAMETERS(
		{ "certificateId", IN_PATH, KIND_ID, true }) },
	{ "UpdateCertificate", "PUT", "/certificates/{}", certificate_update, PARAMETERS(
		{ "certificateId", IN_PATH, KIND_ID, true },
		{ "newStatus", IN_QUERY, KIND_STATUS, true }) },
	{ "DeleteCertificate", "DELETE", "/certificates/{}", certificate_delete, PARAMETERS(
		{ "certificateId", IN_PATH, KIND_ID, true },
		{ "forceDelete", IN_QUERY, KIND_FLAG }) },
	{ "ListCertificates", "GET", "/certificates", certificate_list, PARAMETERS(
		BY_MARKER, ASCENDING) },
	{ "ListCertificatesByCA", "GET", "/certificates-by-ca/{}", certificate_list_by_ca, PARAMETERS(
		{ "caCertificateId", IN_PATH, KIND_ID, true },
		BY_MARKER, ASCENDING) },
	{ "CreateKeysAndCertificate", "POST", "/keys-and-certificate", certificate_create, NULL },
	{ "CreateCertificateFromCsr", "POST", "/certificates", certificate_create, NULL },
	{ "CreatePolicy", "POST", "/policies/{}", policy_create, PARAMETERS(
		{ "policyName", IN_PATH, KIND_POLICY_NAME, true },
		{ "policyDocument", IN_BODY, KIND_DOCUMENT, true },
		{ "tags", IN_BODY, KIND_LIST }) },
	{ "GetPolicy", "GET", "/policies/{}", policy_get, PARAMETERS(
		{ "policyName", IN_PATH, KIND_POLICY_NAME, true }) },
	{ "DeletePolicy", "DELETE", "/policies/{}", policy_delete, PARAMETERS(
		{ "policyName", IN_PATH, KIND_POLICY_NAME, true }) },
	{ "ListPolicies", "GET", "/policies", policy_list, PARAMETERS(
		BY_MARKER, ASCENDING) },
	{ "AttachPolicy", "PUT", "/target-policies/{}", policy_attach, PARAMETERS(
		{ "policyName", IN_PATH, KIND_POLICY_NAME, true },
		{ "target", IN_BODY, KIND_ARN, true }) },
	{ "DetachPolicy", "POST", "/target-policies/{}", policy_detach, PARAMETERS(
		{ "policyName", IN_PATH, KIND_POLICY_NAME, true },
		{ "target", IN_BODY, KIND_ARN, true }) },
	{ "AttachPrincipalPolicy", "PUT", "/principal-policies/{}", policy_attach, PARAMETERS(
		{ "policyName", IN_PATH, KIND_POLICY_NAME, true },
		{ "x-amzn-iot-principal", IN_HEADER, KIND_ARN, true }) },
	{ "DetachPrincipalPolicy", "DELETE", "/principal-policies/{}", policy_detach, PARAMETERS(
		{ "policyName", IN_PATH, KIND_POLICY_NAME, true },
		{ "x-amzn-iot-principal", IN_HEADER, KIND_ARN, true }) },
	{ "ListPrincipalPolicies", "GET", "/principal-policies", policy_list_attached, PARAMETERS(
		{ "x-amzn-iot-principal", IN_HEADER, KIND_ARN, true },
		BY_MARKER, ASCENDING) },
	{ "ListAttachedPolicies", "POST", "/attached-policies/{}", policy_list_attached, PARAMETERS(
		{ "target", IN_PATH, KIND_ARN, true },
		{ "recursive", IN_QUERY, KIND_FLAG },
		BY_MARKER) },
	{ "ListPolicyPrincipals", "GET", "/policy-principals", policy_list_targets, PARAMETERS(
		{ "x-amzn-iot-policy", IN_HEADER, KIND_POLICY_NAME, true },
		BY_MARKER, ASCENDING) },
	{ "ListTargetsForPolicy", "POST", "/policy-targets/{}", policy_list_targets, PARAMETERS(
		{ "policyName", IN_PATH, KIND_POLICY_NAME, true },
		BY_MARKER) },
	{ "CreateThing", "POST", "/things/{}", thing_create, PARAMETERS(
		{ "thingName", IN_PATH, KIND_THING_NAME, true },
		{ "thingTypeName", IN_BODY, KIND_THING_NAME },
		{ "attributePayload", IN_BODY, KIND_OBJECT },
		{ "billingGroupName", IN_BODY, KIND_THING_NAME }) },
	{ "DescribeThing", "GET", "/things/{}", thing_describe, PARAMETERS(
		{ "thingName", IN_PATH, KIND_THING_NAME, true }) },
	{ "DeleteThing", "DELETE", "/things/{}", thing_delete, PARAMETERS(
		{ "thingName", IN_PATH, KIND_THING_NAME, true }) },
	{ "ListThings", "GET", "/things", thing_list, PARAMETERS(
		BY_TOKEN) },
	{ "AttachThingPrincipal", "PUT", "/things/{}/principals", thing_attach, PARAMETERS(
		{ "thingName", IN_PATH, KIND_THING_NAME, true },
		{ "x-amzn-principal", IN_HEADER, KIND_ARN, true }) },
	{ "DetachThingPrincipal", "DELETE", "/things/{}/principals", thing_detach, PARAMETERS(
		{ "thingName", IN_PATH, KIND_THING_NAME, true },
		{ "x-amzn-principal", IN_HEADER, KIND_ARN, true }) },
	{ "ListThingPrincipals", "GET", "/things/{}/principals", thing_principals, PARAMETERS(
		{ "thingName", IN_PATH, KIND_THING_NAME, true },
		BY_TOKEN) },
	{ "ListPrincipalThings", "GET", "/principals/things", thing_of_principal, PARAMETERS(
		{ "x-amzn-principal", IN_HEADER, KIND_ARN, true },
		BY_TOKEN) },
	{ "CreateTopicRule", "POST", "/rules/{}", rule_create, PARAMETERS(
		{ "ruleName", IN_PATH, KIND_RULE_NAME, true },
		{ "sql", IN_BODY, KIND_DOCUMENT, true },
		{ "description", IN_BODY, KIND_DOCUMENT },
		{ "actions", IN_BODY, KIND_LIST, true },
		{ "ruleDisabled", IN_BODY, KIND_FLAG },
		{ "awsIotSqlVersion", IN_BODY, KIND_DOCUMENT },
		{ "errorAction", IN_BODY, KIND_OBJECT }) },
	{ "GetTopicRule", "GET", "/rules/{}", rule_get, PARAMETERS(
		{ "ruleName", IN_PATH, KIND_RULE_NAME, true }) },
	{ "ListTopicRules", "GET", "/rules", rule_list, PARAMETERS(
		BY_TOKEN) },
	{ "DeleteTopicRule", "DELETE", "/rules/{}", rule_delete, PARAMETERS(
		{ "ruleName", IN_PATH, KIND_RULE_NAME, true }) },
	{ "DescribeEndpoint", "GET", "/endpoint", endpoint_describe, PARAMETERS(
		{ "endpointType", IN_QUERY, KIND_ENDPOINT }) },
};
/* clang-format on */

static const struct {
	int code, status;
	const char *name;
} errors[] = {
	{ AWS_INVALID_REQUEST, 400, "InvalidRequestException" },
	{ ERR_INVALID, 400, "InvalidRequestException" },
	{ AWS_NOT_FOUND, 404, "ResourceNotFoundException" },
	{ AWS_EXISTS, 409, "ResourceAlreadyExistsException" },
	{ AWS_REGISTRATION_CODE, 400, "RegistrationCodeValidationException" },
	{ AWS_CERTIFICATE_VALIDATION, 400, "CertificateValidationException" },
	{ AWS_CERTIFICATE_CONFLICT, 409, "CertificateConflictException" },
	{ AWS_CERTIFICATE_STATE, 406, "CertificateStateException" },
	{ AWS_LIMIT_EXCEEDED, 410, "LimitExceededException" },
	{ AWS_DELETE_CONFLICT, 409, "DeleteConflictException" },
	{ AWS_MALFORMED_POLICY, 400, "MalformedPolicyException" },
	{ AWS_SQL_PARSE, 400, "SqlParseException" },
	{ AWS_UNAUTHORIZED, 401, "UnauthorizedException" },
};

const char *operation_error(int code, int *ret_status)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].code == code) {
			*ret_status = errors[i].status;
			return errors[i].name;
		}
	*ret_status = 500;
	return "InternalFailureException";
}

/* --- finding one --- */

/* Segment by segment; {} takes any that is not empty. */
static bool matches(const char *path, const struct target *target, const char **ret_value)
{
	for (size_t i = 0; i < target->segment_count; i++) {
		size_t len = strcspn(++path, "/");

		if (len == 2 && !strncmp(path, "{}", 2) && *target->segments[i])
			*ret_value = target->segments[i];
		else if (strlen(target->segments[i]) != len ||
			 strncmp(path, target->segments[i], len) != 0)
			return false;
		path += len;
		if (!*path)
			return i + 1 == target->segment_count;
	}
	return false;
}

bool operation_find(const char *method, const struct target *target,
		    const struct operation **ret_operation, const char **ret_value, struct err *e)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		const char *value = NULL;

		if (strcmp(operations[i].method, method) != 0 ||
		    !matches(operations[i].path, target, &value))
			continue;
		*ret_operation = &operations[i];
		*ret_value = value;
		return true;
	}
	return err_set(e, ERR_NOT_FOUND, "the rehearsal has no such operation of AWS IoT");
}

/* --- what the functions use --- */

const char *call_text(const struct call *c, const char *name)
{
	return json_string_value(json_object_get(c->arguments, name));
}

bool call_flag(const struct call *c, const char *name)
{
	return json_is_true(json_object_get(c->arguments, name));
}

int64_t call_number(const struct call *c, const char *name, int64_t other)
{
	const json_t *value = json_object_get(c->arguments, name);

	return value ? json_integer_value(value) : other;
}

bool call_arn(const struct call *c, const char *kind, const char *name,
	      char ret_arn[static ARN_SIZE], struct err *e)
{
	char resource[ARN_SIZE];

	snprintf(resource, sizeof(resource), "%s/%s", kind, name);
	return registry_arn(c->registry, resource, ret_arn, ARN_SIZE, e);
}

bool call_result(struct call *c, json_t *result, struct err *e)
{
	c->result = result;
	return result || err_set(e, ERR_SYSTEM, "no memory for the answer");
}

json_t *call_time(int64_t ms)
{
	return json_real((double)ms / 1000);
}
