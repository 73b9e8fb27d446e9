#include "cloud/rehearsal/rest/ca.h"

#include "cloud/rehearsal/rest/pages.h"

#define ID "certificateId"

/* --- register --- */

/* A status that a person may ask for: the others come about by themselves. */
static bool check_status(const char *status, const char *doing, struct err *e)
{
	if (!strcmp(status, "ACTIVE") || !strcmp(status, "INACTIVE") || !strcmp(status, "REVOKED"))
		return true;
	return err_set(e, AWS_INVALID_REQUEST, "Not allowed to %s certificate with %s status",
		       doing, status);
}

static bool status_to_register(struct call *c, const char **ret_status, struct err *e)
{
	const char *status = call_text(c, "status");

	if (!status)
		status = call_flag(c, "setAsActive") ? "ACTIVE" : "INACTIVE";
	if (!check_status(status, "register", e)) {
		e->code = AWS_CERTIFICATE_STATE;
		return false;
	}
	*ret_status = status;
	return true;
}

static bool check_new(struct call *c, const struct pem *pem, struct err *e)
{
	int64_t count;

	if (!query_number(c->db, "SELECT count(*) FROM certificate WHERE id = ?1",
			  VALUES(STRING(pem->id)), &count, e))
		return false;
	if (!count)
		return true;
	snprintf(c->resource_id, sizeof(c->resource_id), "%s", pem->id);
	return call_arn(c, "cert", pem->id, c->resource_arn, e) &&
	       err_set(e, AWS_EXISTS,
		       "The certificate is already provisioned or registered, id: %s", pem->id);
}

/* ca_id "": registered without a CA, which AWS calls SNI_ONLY. */
static bool insert(struct call *c, const struct pem *pem, const char *ca_id, const char *status,
		   struct err *e)
{
	return query_run(
		c->db,
		"INSERT INTO certificate (id, ca_id, pem, status, mode, created, modified,"
		" not_before, not_after) VALUES (?1, ?2, ?3, ?4,"
		" coalesce((SELECT mode FROM ca WHERE id = ?2), 'SNI_ONLY'), ?5, ?5, ?6, ?7)",
		VALUES(STRING(pem->id), STRING(ca_id), STRING(call_text(c, "certificatePem")),
		       STRING(status), NUMBER(registry_now_ms()), NUMBER(pem->not_before_ms),
		       NUMBER(pem->not_after_ms)),
		e);
}

static bool register_one(struct call *c, bool with_ca, struct err *e)
{
	char ca_id[REGISTRY_ID_SIZE] = "", arn[ARN_SIZE];
	const char *status;
	AUTO(pem) pem = NULL;

	if (!status_to_register(c, &status, e) ||
	    !pem_read(call_text(c, "certificatePem"), "The certificate", &pem, e) ||
	    !check_new(c, pem, e) ||
	    (with_ca && !ca_of(c, pem, call_text(c, "caCertificatePem"), ca_id, e)) ||
	    !insert(c, pem, ca_id, status, e) || !call_arn(c, "cert", pem->id, arn, e))
		return false;
	return call_result(c, json_pack("{s:s, s:s}", "certificateArn", arn, ID, pem->id), e);
}

bool certificate_register(struct call *c, struct err *e)
{
	return register_one(c, true, e);
}

bool certificate_register_without_ca(struct call *c, struct err *e)
{
	return register_one(c, false, e);
}

bool certificate_create(struct call *c, struct err *e)
{
	(void)c;
	return err_set(e, AWS_INVALID_REQUEST,
		       "The rehearsal makes no certificates: the station does. Register its CA.");
}

/* --- describe --- */

static json_t *description(struct call *c, sqlite3_stmt *row, const char *arn, const char *account)
{
	const char *ca_id = query_text(row, 0);

	return json_pack("{s:s, s:s, s:s*, s:s, s:s, s:s, s:o, s:o, s:i, s:s, s:{s:o, s:o}, s:s}",
			 "certificateArn", arn, ID, call_text(c, ID), "caCertificateId",
			 *ca_id ? ca_id : NULL, "status", query_text(row, 1), "certificatePem",
			 query_text(row, 2), "ownedBy", account, "creationDate",
			 call_time(sqlite3_column_int64(row, 3)), "lastModifiedDate",
			 call_time(sqlite3_column_int64(row, 4)), "customerVersion",
			 sqlite3_column_int(row, 5), "generationId", query_text(row, 6), "validity",
			 "notBefore", call_time(sqlite3_column_int64(row, 7)), "notAfter",
			 call_time(sqlite3_column_int64(row, 8)), "certificateMode",
			 query_text(row, 9));
}

static bool not_found(struct call *c, struct err *e)
{
	return err_set(e, AWS_NOT_FOUND, "Certificate not found. CertificateId: %s",
		       call_text(c, ID));
}

bool certificate_describe(struct call *c, struct err *e)
{
	char arn[ARN_SIZE], account[32];
	AUTO(query) query = NULL;
	bool row;

	if (!query_start(c->db,
			 "SELECT ca_id, status, pem, created, modified, version, generation,"
			 " not_before, not_after, mode FROM certificate WHERE id = ?1",
			 VALUES(STRING(call_text(c, ID))), &query, e) ||
	    !query_row(query, &row, e))
		return false;
	if (!row)
		return not_found(c, e);
	if (!call_arn(c, "cert", call_text(c, ID), arn, e) ||
	    !registry_setting(c->registry, "account", account, sizeof(account), e))
		return false;
	return call_result(
		c,
		json_pack("{s:o}", "certificateDescription", description(c, query, arn, account)),
		e);
}

/* --- update and delete --- */

static bool find(struct call *c, struct registry_certificate *ret_certificate, struct err *e)
{
	if (registry_certificate(c->registry, call_text(c, ID), ret_certificate, e))
		return true;
	return e->code == ERR_NOT_FOUND ? not_found(c, e) : false;
}

bool certificate_update(struct call *c, struct err *e)
{
	const char *status = call_text(c, "newStatus");
	struct registry_certificate certificate;

	if (!check_status(status, "update", e) || !find(c, &certificate, e))
		return false;
	if (!strcmp(certificate.status, status))
		return true;
	if (!strcmp(certificate.status, "REVOKED"))
		return err_set(e, AWS_CERTIFICATE_STATE,
			       "A certificate that is REVOKED stays so. CertificateId: %s",
			       call_text(c, ID));
	return query_run(
		c->db,
		"UPDATE certificate SET status = ?2, modified = ?3, version = version + 1"
		" WHERE id = ?1",
		VALUES(STRING(call_text(c, ID)), STRING(status), NUMBER(registry_now_ms())), e);
}

static bool check_detached(struct call *c, const char *arn, struct err *e)
{
	int64_t things, policies;

	if (!query_number(c->db, "SELECT count(*) FROM principal WHERE arn = ?1",
			  VALUES(STRING(arn)), &things, e) ||
	    !query_number(c->db, "SELECT count(*) FROM attached WHERE target = ?1",
			  VALUES(STRING(arn)), &policies, e))
		return false;
	if (things)
		return err_set(e, AWS_DELETE_CONFLICT,
			       "Things must be detached before deletion (arn: %s)", arn);
	return !policies || call_flag(c, "forceDelete") ||
	       err_set(e, AWS_DELETE_CONFLICT,
		       "Certificate policies must be detached before deletion (arn: %s)", arn);
}

bool certificate_delete(struct call *c, struct err *e)
{
	struct registry_certificate certificate;
	char arn[ARN_SIZE];

	if (!find(c, &certificate, e) || !call_arn(c, "cert", call_text(c, ID), arn, e))
		return false;
	if (!strcmp(certificate.status, "ACTIVE"))
		return err_set(e, AWS_CERTIFICATE_STATE,
			       "Certificate must be deactivated (not ACTIVE) before deletion");
	return check_detached(c, arn, e) &&
	       query_run(c->db, "DELETE FROM attached WHERE target = ?1", VALUES(STRING(arn)), e) &&
	       query_run(c->db, "DELETE FROM certificate WHERE id = ?1",
			 VALUES(STRING(call_text(c, ID))), e);
}

/* --- lists --- */

static json_t *list_item(struct call *c, sqlite3_stmt *row)
{
	char arn[ARN_SIZE];
	struct err e;

	if (!call_arn(c, "cert", query_text(row, 1), arn, &e))
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "certificateArn", arn, ID, query_text(row, 1),
			 "status", query_text(row, 2), "certificateMode", query_text(row, 3),
			 "creationDate", call_time(sqlite3_column_int64(row, 4)));
}

#define LIST "SELECT number, id, status, mode, created FROM certificate WHERE "

bool certificate_list(struct call *c, struct err *e)
{
	const struct pages pages = { .select = LIST "?1 = ''",
				     .member = "certificates",
				     PAGES_MARKER,
				     .newest_first = true,
				     .item = list_item };

	return pages_list(c, &pages, e);
}

/* A CA that is not registered (any more) has a list, too: AWS names no error for it. */
bool certificate_list_by_ca(struct call *c, struct err *e)
{
	const struct pages pages = { .select = LIST "ca_id = ?1",
				     .scope = call_text(c, "caCertificateId"),
				     .member = "certificates",
				     PAGES_MARKER,
				     .newest_first = true,
				     .item = list_item };

	return pages_list(c, &pages, e);
}
