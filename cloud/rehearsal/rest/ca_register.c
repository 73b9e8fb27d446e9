#include "cloud/rehearsal/rest/ca.h"

#include "base/hex.h"

#include <openssl/rand.h>

#define CODE_SIZE 65
#define SAME_SUBJECT_MAX 10
#define CODE_SETTING "registration_code"

/* --- registration code --- */

static bool make_code(struct call *c, char ret_code[static CODE_SIZE], struct err *e)
{
	uint8_t random[32];

	if (RAND_bytes(random, sizeof(random)) != 1)
		return err_set(e, ERR_SYSTEM, "no random numbers for a registration code");
	hex_encode(BYTES(random), ret_code);
	return registry_set(c->registry, CODE_SETTING, ret_code, e);
}

bool registration_code_get(struct call *c, struct err *e)
{
	char code[CODE_SIZE];

	if (!registry_setting(c->registry, CODE_SETTING, code, sizeof(code), e) &&
	    (e->code != ERR_NOT_FOUND || !make_code(c, code, e)))
		return false;
	return call_result(c, json_pack("{s:s}", "registrationCode", code), e);
}

bool registration_code_delete(struct call *c, struct err *e)
{
	return query_run(c->db, "DELETE FROM setting WHERE name = ?1", VALUES(STRING(CODE_SETTING)),
			 e);
}

/* --- RegisterCACertificate --- */

static bool check_mode(const char *mode, const char *verification, struct err *e)
{
	bool sni_only = !strcmp(mode, "SNI_ONLY");

	if (sni_only && verification)
		return err_set(e, AWS_INVALID_REQUEST,
			       "verificationCertificate must be empty when certificateMode is "
			       "SNI_ONLY");
	return sni_only || verification ||
	       err_set(e, AWS_INVALID_REQUEST,
		       "verificationCertificate is needed when certificateMode is DEFAULT");
}

static bool check_config(const json_t *config, struct err *e)
{
	const char *body = json_string_value(json_object_get(config, "templateBody"));
	const char *role = json_string_value(json_object_get(config, "roleArn"));
	const char *name = json_string_value(json_object_get(config, "templateName"));

	if (body && strlen(body) > 10240)
		return err_set(e, AWS_INVALID_REQUEST, "templateBody is longer than 10240");
	if (role && (strlen(role) < 20 || strlen(role) > 2048))
		return err_set(e, AWS_INVALID_REQUEST, "roleArn must have 20 to 2048 characters");
	return !name || (*name && strlen(name) <= 36) ||
	       err_set(e, AWS_INVALID_REQUEST, "templateName must have 1 to 36 characters");
}

static bool check_new(struct call *c, const struct pem *ca, struct err *e)
{
	int64_t count;

	if (!query_number(c->db, "SELECT count(*) FROM ca WHERE id = ?1", VALUES(STRING(ca->id)),
			  &count, e))
		return false;
	if (count) {
		snprintf(c->resource_id, sizeof(c->resource_id), "%s", ca->id);
		return call_arn(c, "cacert", ca->id, c->resource_arn, e) &&
		       err_set(e, AWS_EXISTS, "The CA certificate is already registered, id: %s",
			       ca->id);
	}
	if (!query_number(c->db, "SELECT count(*) FROM ca WHERE subject = ?1",
			  VALUES(BLOB(pem_subject(ca))), &count, e))
		return false;
	return count < SAME_SUBJECT_MAX ||
	       err_set(e, AWS_LIMIT_EXCEEDED,
		       "Limit reached for number of CA Certificates with same subject");
}

static bool check_possession(struct call *c, const struct pem *ca, const char *text, struct err *e)
{
	AUTO(pem) verification = NULL;
	char code[CODE_SIZE];

	if (!pem_read(text, "The verification certificate", &verification, e))
		return false;
	if (!registry_setting(c->registry, CODE_SETTING, code, sizeof(code), e)) {
		if (e->code != ERR_NOT_FOUND)
			return false;
		return err_set(e, AWS_REGISTRATION_CODE,
			       "No registration code was asked for: get-registration-code first");
	}
	if (!pem_signed_by(verification, ca))
		return err_set(e, AWS_CERTIFICATE_VALIDATION,
			       "The verification certificate is not signed by the CA certificate");
	return pem_has_common_name(verification, code) ||
	       err_set(e, AWS_REGISTRATION_CODE,
		       "The common name of the verification certificate is not the registration "
		       "code");
}

static bool insert(struct call *c, const struct pem *ca, const char *mode, struct err *e)
{
	const json_t *config = json_object_get(c->arguments, "registrationConfig");
	int64_t now_ms = registry_now_ms();

	return query_run(
		c->db,
		"INSERT INTO ca (id, pem, subject, status, auto_registration, mode, created,"
		" modified, not_before, not_after, role, template, template_body) VALUES"
		" (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11, ?12)",
		VALUES(STRING(ca->id), STRING(call_text(c, "caCertificate")), BLOB(pem_subject(ca)),
		       STRING(call_flag(c, "setAsActive") ? "ACTIVE" : "INACTIVE"),
		       STRING(call_flag(c, "allowAutoRegistration") ? "ENABLE" : "DISABLE"),
		       STRING(mode), NUMBER(now_ms), NUMBER(ca->not_before_ms),
		       NUMBER(ca->not_after_ms),
		       STRING(json_string_value(json_object_get(config, "roleArn"))),
		       STRING(json_string_value(json_object_get(config, "templateName"))),
		       STRING(json_string_value(json_object_get(config, "templateBody")))),
		e);
}

bool ca_register(struct call *c, struct err *e)
{
	const char *verification = call_text(c, "verificationCertificate");
	const char *mode = call_text(c, "certificateMode");
	AUTO(pem) ca = NULL;
	char arn[ARN_SIZE];

	mode = mode ? mode : "DEFAULT";
	if (!check_mode(mode, verification, e) ||
	    !check_config(json_object_get(c->arguments, "registrationConfig"), e) ||
	    !pem_read(call_text(c, "caCertificate"), "The CA certificate", &ca, e))
		return false;
	if (!pem_is_ca(ca))
		return err_set(e, AWS_CERTIFICATE_VALIDATION,
			       "The CA certificate does not have the basicConstraints extension as "
			       "true");
	if (!check_new(c, ca, e) || (verification && !check_possession(c, ca, verification, e)) ||
	    !insert(c, ca, mode, e) || !call_arn(c, "cacert", ca->id, arn, e))
		return false;
	return call_result(
		c, json_pack("{s:s, s:s}", "certificateArn", arn, "certificateId", ca->id), e);
}
