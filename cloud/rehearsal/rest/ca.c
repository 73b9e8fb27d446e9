#include "cloud/rehearsal/rest/ca.h"

#include "cloud/rehearsal/rest/pages.h"

#define ID "caCertificateId"

/* --- describe --- */

static json_t *registration_config(sqlite3_stmt *row, int column)
{
	const char *role = (const char *)sqlite3_column_text(row, column);
	const char *name = (const char *)sqlite3_column_text(row, column + 1);
	const char *body = (const char *)sqlite3_column_text(row, column + 2);

	if (!role && !name && !body)
		return NULL;
	return json_pack("{s:s*, s:s*, s:s*}", "roleArn", role, "templateName", name,
			 "templateBody", body);
}

static json_t *description(struct call *c, sqlite3_stmt *row, const char *arn, const char *account)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:i, s:s, s:{s:o, s:o}, s:s}",
		"certificateArn", arn, "certificateId", call_text(c, ID), "status",
		query_text(row, 0), "certificatePem", query_text(row, 1), "ownedBy", account,
		"creationDate", call_time(sqlite3_column_int64(row, 2)), "autoRegistrationStatus",
		query_text(row, 3), "lastModifiedDate", call_time(sqlite3_column_int64(row, 4)),
		"customerVersion", sqlite3_column_int(row, 5), "generationId", query_text(row, 6),
		"validity", "notBefore", call_time(sqlite3_column_int64(row, 7)), "notAfter",
		call_time(sqlite3_column_int64(row, 8)), "certificateMode", query_text(row, 9));
}

static bool not_found(struct call *c, struct err *e)
{
	return err_set(e, AWS_NOT_FOUND, "CA certificate not found. CertificateId: %s",
		       call_text(c, ID));
}

bool ca_describe(struct call *c, struct err *e)
{
	char arn[ARN_SIZE], account[32];
	AUTO(query) query = NULL;
	bool row;

	if (!query_start(c->db,
			 "SELECT status, pem, created, auto_registration, modified, version,"
			 " generation, not_before, not_after, mode, role, template, template_body"
			 " FROM ca WHERE id = ?1",
			 VALUES(STRING(call_text(c, ID))), &query, e) ||
	    !query_row(query, &row, e))
		return false;
	if (!row)
		return not_found(c, e);
	if (!call_arn(c, "cacert", call_text(c, ID), arn, e) ||
	    !registry_setting(c->registry, "account", account, sizeof(account), e))
		return false;
	return call_result(c,
			   json_pack("{s:o, s:o*}", "certificateDescription",
				     description(c, query, arn, account), "registrationConfig",
				     registration_config(query, 10)),
			   e);
}

/* --- update and delete --- */

static bool status_of(struct call *c, bool *ret_active, struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	if (!query_start(c->db, "SELECT status = 'ACTIVE' FROM ca WHERE id = ?1",
			 VALUES(STRING(call_text(c, ID))), &query, e) ||
	    !query_row(query, &row, e))
		return false;
	if (!row)
		return not_found(c, e);
	*ret_active = sqlite3_column_int(query, 0);
	return true;
}

static bool update_config(struct call *c, struct err *e)
{
	const json_t *config = json_object_get(c->arguments, "registrationConfig");

	if (!config && !call_flag(c, "removeAutoRegistration"))
		return true;
	return query_run(c->db,
			 "UPDATE ca SET role = ?2, template = ?3, template_body = ?4 WHERE id = ?1",
			 VALUES(STRING(call_text(c, ID)),
				STRING(json_string_value(json_object_get(config, "roleArn"))),
				STRING(json_string_value(json_object_get(config, "templateName"))),
				STRING(json_string_value(json_object_get(config, "templateBody")))),
			 e);
}

bool ca_update(struct call *c, struct err *e)
{
	bool active;

	if (!status_of(c, &active, e) || !update_config(c, e))
		return false;
	return query_run(c->db,
			 "UPDATE ca SET status = coalesce(?2, status), auto_registration ="
			 " coalesce(?3, auto_registration), modified = ?4, version = version + 1"
			 " WHERE id = ?1",
			 VALUES(STRING(call_text(c, ID)), STRING(call_text(c, "newStatus")),
				STRING(call_text(c, "newAutoRegistrationStatus")),
				NUMBER(registry_now_ms())),
			 e);
}

bool ca_delete(struct call *c, struct err *e)
{
	bool active;

	if (!status_of(c, &active, e))
		return false;
	if (active)
		return err_set(e, AWS_CERTIFICATE_STATE,
			       "CA certificate is ACTIVE: deactivate it first. CertificateId: %s",
			       call_text(c, ID));
	return query_run(c->db, "DELETE FROM ca WHERE id = ?1", VALUES(STRING(call_text(c, ID))),
			 e);
}

/* --- list --- */

static json_t *list_item(struct call *c, sqlite3_stmt *row)
{
	char arn[ARN_SIZE];
	struct err e;

	if (!call_arn(c, "cacert", query_text(row, 1), arn, &e))
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:o}", "certificateArn", arn, "certificateId",
			 query_text(row, 1), "status", query_text(row, 2), "creationDate",
			 call_time(sqlite3_column_int64(row, 3)));
}

bool ca_list(struct call *c, struct err *e)
{
	const struct pages pages = { .select = "SELECT number, id, status, created FROM ca"
					       " WHERE (?1 = '' OR template = ?1)",
				     .scope = call_text(c, "templateName"),
				     .member = "certificates",
				     PAGES_MARKER,
				     .newest_first = true,
				     .item = list_item };

	return pages_list(c, &pages, e);
}

/* --- whose certificate is it? --- */

struct search {
	const struct pem *certificate;
	size_t found;
	char id[REGISTRY_ID_SIZE];
	bool active, fits;
};

static bool look(void *context, const struct registry_ca *candidate, struct err *e)
{
	struct search *search = context;
	AUTO(pem) ca = NULL;
	struct err expired;

	(void)e;
	search->found++;
	memcpy(search->id, candidate->id, sizeof(search->id));
	search->active = candidate->active;
	search->fits = pem_read(candidate->pem, "", &ca, &expired) &&
		       pem_signed_by(search->certificate, ca);
	return true;
}

static bool look_named(struct call *c, const char *ca_pem, struct search *search, struct err *e)
{
	AUTO(pem) ca = NULL;
	AUTO(query) query = NULL;
	bool row;

	if (!pem_read(ca_pem, "The CA certificate", &ca, e) ||
	    !query_start(c->db, "SELECT status = 'ACTIVE' FROM ca WHERE id = ?1",
			 VALUES(STRING(ca->id)), &query, e) ||
	    !query_row(query, &row, e))
		return false;
	search->found = row;
	search->active = row && sqlite3_column_int(query, 0);
	search->fits = pem_signed_by(search->certificate, ca);
	memcpy(search->id, ca->id, sizeof(search->id));
	return true;
}

bool ca_of(struct call *c, const struct pem *certificate, const char *ca_pem,
	   char ret_id[static REGISTRY_ID_SIZE], struct err *e)
{
	struct search search = { .certificate = certificate };

	if (ca_pem ? !look_named(c, ca_pem, &search, e)
		   : !registry_cas(c->registry, pem_issuer(certificate), look, &search, e))
		return false;
	if (search.found == 0)
		return err_set(e, AWS_CERTIFICATE_STATE,
			       "No CA certificate exists for the given certificate");
	if (search.found > 1)
		return err_set(e, AWS_CERTIFICATE_CONFLICT,
			       "Several CA certificates have the subject that issued the "
			       "certificate: name one with caCertificatePem");
	if (!search.fits)
		return err_set(e, AWS_CERTIFICATE_VALIDATION,
			       "The certificate is not signed by its CA certificate");
	if (!search.active)
		return err_set(e, AWS_CERTIFICATE_STATE, "The CA certificate is not ACTIVE");
	memcpy(ret_id, search.id, REGISTRY_ID_SIZE);
	return true;
}
