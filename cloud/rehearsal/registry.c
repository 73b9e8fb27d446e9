#include "cloud/rehearsal/registry.h"

#include "cloud/rehearsal/policy.h"
#include "cloud/rehearsal/query.h"
#include "cloud/rehearsal/schema.h"

#include <jansson.h>
#include <time.h>

#define SETTING_SIZE 64
#define ARN_SIZE 512
#define TOPIC_SIZE 128

struct registry {
	sqlite3 *db;
	int64_t version; /* SQLite's count of what other connections changed */
	int own_changes;
};

bool registry_is_id(const char *text)
{
	return strlen(text) == REGISTRY_ID_SIZE - 1 && !text[strspn(text, "0123456789abcdef")];
}

/* --- the file --- */

static bool execute(sqlite3 *db, const char *sql, const char *path, struct err *e)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       err_set(e, ERR_SYSTEM, "cannot open the rehearsal's registry %s: %s", path,
		       sqlite3_errmsg(db));
}

static bool connect(sqlite3 *db, const char *path, struct err *e)
{
	sqlite3_busy_timeout(db, REGISTRY_BUSY_MS);
	return execute(db,
		       "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
		       "PRAGMA trusted_schema=OFF",
		       path, e) &&
	       execute(db, schema_rehearsal, path, e);
}

bool registry_open(const char *path, struct registry **ret_registry, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	AUTO(registry) r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(e, ERR_SYSTEM, "no memory");
	if (sqlite3_open_v2(path, &r->db, flags, NULL) != SQLITE_OK)
		return err_set(e, ERR_SYSTEM, "cannot open the rehearsal's registry %s: %s", path,
			       r->db ? sqlite3_errmsg(r->db) : "no memory");
	if (!connect(r->db, path, e))
		return false;
	registry_changed(r);
	*ret_registry = TAKE(r);
	return true;
}

void registry_close(struct registry *r)
{
	if (!r)
		return;
	sqlite3_close(r->db);
	free(r);
}

sqlite3 *registry_database(struct registry *r)
{
	return r->db;
}

int64_t registry_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool registry_changed(struct registry *r)
{
	int64_t version = r->version;
	int own = sqlite3_total_changes(r->db);
	struct err e;
	bool changed;

	/* A file that cannot be read now has to be looked at again. */
	if (!query_number(r->db, "PRAGMA data_version", NULL, &version, &e))
		return true;
	changed = version != r->version || own != r->own_changes;
	r->version = version;
	r->own_changes = own;
	return changed;
}

/* --- settings --- */

static bool copy(const char *text, char *ret_text, size_t size, struct err *e)
{
	return snprintf(ret_text, size, "%s", text) < (int)size ||
	       err_set(e, ERR_SYSTEM, "a value in the rehearsal's registry is too long");
}

bool registry_setting(struct registry *r, const char *name, char *ret_value, size_t size,
		      struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	if (!query_start(r->db, "SELECT value FROM setting WHERE name = ?1", VALUES(STRING(name)),
			 &query, e) ||
	    !query_row(query, &row, e))
		return false;
	if (!row)
		return err_set(e, ERR_NOT_FOUND, "the rehearsal has no setting %s", name);
	return copy(query_text(query, 0), ret_value, size, e);
}

bool registry_set(struct registry *r, const char *name, const char *value, struct err *e)
{
	return query_run(r->db, "INSERT OR REPLACE INTO setting VALUES (?1, ?2)",
			 VALUES(STRING(name), STRING(value)), e);
}

bool registry_arn(struct registry *r, const char *resource, char *ret_arn, size_t size,
		  struct err *e)
{
	char account[SETTING_SIZE], region[SETTING_SIZE];

	if (!registry_setting(r, "account", account, sizeof(account), e) ||
	    !registry_setting(r, "region", region, sizeof(region), e))
		return false;
	return snprintf(ret_arn, size, "arn:aws:iot:%s:%s:%s", region, account, resource) <
		       (int)size ||
	       err_set(e, ERR_INVALID, "the name of the resource is too long");
}

/* --- what the plugin asks --- */

bool registry_certificate(struct registry *r, const char *id,
			  struct registry_certificate *ret_certificate, struct err *e)
{
	struct registry_certificate c;
	AUTO(query) query = NULL;
	bool row;

	if (!query_start(r->db,
			 "SELECT id, ca_id, status, mode = 'SNI_ONLY' FROM certificate"
			 " WHERE id = ?1",
			 VALUES(STRING(id)), &query, e) ||
	    !query_row(query, &row, e))
		return false;
	if (!row)
		return err_set(e, ERR_NOT_FOUND, "no such certificate is registered");
	if (!copy(query_text(query, 0), c.id, sizeof(c.id), e) ||
	    !copy(query_text(query, 1), c.ca_id, sizeof(c.ca_id), e) ||
	    !copy(query_text(query, 2), c.status, sizeof(c.status), e))
		return false;
	c.sni_only = sqlite3_column_int(query, 3);
	*ret_certificate = c;
	return true;
}

bool registry_cas(struct registry *r, struct bytes subject, registry_each_ca each, void *context,
		  struct err *e)
{
	AUTO(query) query = NULL;
	struct registry_ca ca;
	bool row;

	if (!query_start(r->db,
			 "SELECT id, pem, status = 'ACTIVE', auto_registration = 'ENABLE',"
			 " mode = 'SNI_ONLY' FROM ca WHERE subject = ?1 ORDER BY number",
			 VALUES(BLOB(subject)), &query, e))
		return false;
	while (query_row(query, &row, e)) {
		if (!row)
			return true;
		if (!copy(query_text(query, 0), ca.id, sizeof(ca.id), e))
			return false;
		ca.pem = query_text(query, 1);
		ca.active = sqlite3_column_int(query, 2);
		ca.auto_registration = sqlite3_column_int(query, 3);
		ca.sni_only = sqlite3_column_int(query, 4);
		if (!each(context, &ca, e))
			return false;
	}
	return false;
}

/* Whoever holds a CA's key can make as many as he likes: they must not fill the disk. */
static bool has_room(struct registry *r, struct err *e)
{
	int64_t last;

	return query_number(r->db, "SELECT coalesce(max(number), 0) FROM certificate", NULL, &last,
			    e) &&
	       (last < REGISTRY_CERTIFICATES_MAX ||
		err_set(e, ERR_REFUSED,
			"%d certificates were registered, which is all that a rehearsal takes; "
			"begin another, in another folder",
			REGISTRY_CERTIFICATES_MAX));
}

bool registry_register(struct registry *r, const char *id, const char *ca_id, const char *pem,
		       int64_t not_before_ms, int64_t not_after_ms, struct err *e)
{
	if (!has_room(r, e))
		return false;
	return query_run(
		r->db,
		"INSERT OR IGNORE INTO certificate (id, ca_id, pem, status, mode, created,"
		" modified, not_before, not_after) VALUES (?1, ?2, ?3, 'PENDING_ACTIVATION',"
		" coalesce((SELECT mode FROM ca WHERE id = ?2), 'DEFAULT'), ?4, ?4, ?5, ?6)",
		VALUES(STRING(id), STRING(ca_id), STRING(pem), NUMBER(registry_now_ms()),
		       NUMBER(not_before_ms), NUMBER(not_after_ms)),
		e);
}

/* --- events --- */

/* AWS says null in the first event of a certificate, and from then on when it was registered. */
static bool event_payload(struct registry *r, const char *id, int64_t now_ms, char *ret_topic,
			  char **ret_payload, struct err *e)
{
	char account[SETTING_SIZE], registered[24];
	AUTO(query) query = NULL;
	bool row, first;

	if (!registry_setting(r, "account", account, sizeof(account), e) ||
	    !query_start(r->db,
			 "SELECT ca_id, announced, created FROM certificate"
			 " WHERE id = ?1 AND status = 'PENDING_ACTIVATION'",
			 VALUES(STRING(id)), &query, e) ||
	    !query_row(query, &row, e))
		return false;
	if (!row)
		return err_set(e, ERR_NOT_FOUND, "no such certificate waits for its activation");
	first = !sqlite3_column_int(query, 1);
	snprintf(registered, sizeof(registered), "%lld", (long long)sqlite3_column_int64(query, 2));
	snprintf(ret_topic, TOPIC_SIZE, REGISTRY_TOPIC "%s", query_text(query, 0));
	AUTO_FREE char *payload = NULL;
	json_t *event =
		json_pack("{s:s, s:s, s:I, s:s, s:s, s:s?}", "certificateId", id, "caCertificateId",
			  query_text(query, 0), "timestamp", (json_int_t)now_ms,
			  "certificateStatus", "PENDING_ACTIVATION", "awsAccountId", account,
			  "certificateRegistrationTimestamp", first ? NULL : registered);
	payload = event ? json_dumps(event, JSON_COMPACT) : NULL;
	json_decref(event);
	if (!payload)
		return err_set(e, ERR_SYSTEM, "no memory for an event");
	*ret_payload = TAKE(payload);
	return true;
}

static bool note_event(struct registry *r, const char *id, const char *topic, const char *payload,
		       int64_t now_ms, struct err *e)
{
	return query_run(r->db,
			 "INSERT INTO event (topic, payload, time, taken) VALUES (?1, ?2, ?3, 0)",
			 VALUES(STRING(topic), STRING(payload), NUMBER(now_ms)), e) &&
	       query_run(r->db,
			 "DELETE FROM event WHERE number <= (SELECT max(number) FROM event) - ?1",
			 VALUES(NUMBER(REGISTRY_EVENTS_MAX)), e) &&
	       query_run(r->db, "UPDATE certificate SET announced = 1 WHERE id = ?1",
			 VALUES(STRING(id)), e);
}

bool registry_event(struct registry *r, const char *id, char **ret_payload, struct err *e)
{
	int64_t now_ms = registry_now_ms();
	AUTO_FREE char *payload = NULL;
	char topic[TOPIC_SIZE];

	if (!query_run(r->db, "BEGIN IMMEDIATE", NULL, e))
		return false;
	if (!event_payload(r, id, now_ms, topic, &payload, e) ||
	    !note_event(r, id, topic, payload, now_ms, e) || !query_run(r->db, "COMMIT", NULL, e)) {
		sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
		return false;
	}
	*ret_payload = TAKE(payload);
	return true;
}

/* --- policies --- */

static bool certificate_arn(struct registry *r, const char *id, char ret_arn[static ARN_SIZE],
			    struct err *e)
{
	char resource[REGISTRY_ID_SIZE + sizeof("cert/")];

	snprintf(resource, sizeof(resource), "cert/%s", id);
	return registry_arn(r, resource, ret_arn, ARN_SIZE, e);
}

static bool thing_is_attached(struct registry *r, const char *thing, const char *principal,
			      bool *ret_is, struct err *e)
{
	int64_t count;

	if (!query_number(r->db, "SELECT count(*) FROM principal WHERE thing = ?1 AND arn = ?2",
			  VALUES(STRING(thing), STRING(principal)), &count, e))
		return false;
	*ret_is = count > 0;
	return true;
}

bool registry_allows(struct registry *r, const char *id, const char *client_id, const char *action,
		     const char *resource, bool *ret_allowed, struct err *e)
{
	struct policy_client client = { .id = client_id };
	enum policy_effect found = POLICY_NONE;
	char principal[ARN_SIZE], arn[REGISTRY_RESOURCE_MAX];
	AUTO(query) query = NULL;
	bool row;

	if (!certificate_arn(r, id, principal, e) ||
	    !registry_arn(r, resource, arn, sizeof(arn), e) ||
	    !thing_is_attached(r, client_id, principal, &client.thing_attached, e) ||
	    !query_start(r->db,
			 "SELECT document FROM policy JOIN attached ON attached.policy ="
			 " policy.name WHERE attached.target = ?1",
			 VALUES(STRING(principal)), &query, e))
		return false;
	while (query_row(query, &row, e)) {
		enum policy_effect one;

		if (!row) {
			*ret_allowed = found == POLICY_ALLOW;
			return true;
		}
		one = policy_judge(query_text(query, 0), &client, action, arn);
		found = one > found ? one : found;
	}
	return false;
}
