/* What a device shows and asks at the rehearsal's broker, below mosquitto and TLS. The first byte:
 *	even	a policy, an action and a resource, NULs between: what CreatePolicy takes is judged,
 *		a Deny wins over whatever stands beside it, and what it does not take denies
 *	odd	a client id to its NUL, and certificates, each behind two bytes of length: the device's
 *		own first, its CA last, which is registered
 * Each line of the log is one line of printable text; each event is JSON. */
#include "base/cleanup.h"
#include "cloud/rehearsal/broker/gate.h"
#include "cloud/rehearsal/cert.h"
#include "cloud/rehearsal/json.h"
#include "cloud/rehearsal/policy.h"
#include "cloud/rehearsal/query.h"

#include <assert.h>
#include <openssl/pem.h>

#define SENT_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef STACK_OF(X509) * auto_type_stack;
static inline void auto_stack(auto_type_stack *stack)
{
	sk_X509_pop_free(*stack, X509_free);
}

/* --- the broker --- */

static void say(int level, const char *line)
{
	assert(level >= 0 && *line);
	for (; *line; line++)
		assert((*line >= ' ' && *line <= '~') || strchr("\xe2\x80\xa6", *line)); /* … */
}

static void publish(const char *topic, const char *payload)
{
	AUTO(json) event = json_loads(payload, 0, NULL);

	assert(json_is_object(event));
	assert(strncmp(topic, REGISTRY_TOPIC, strlen(REGISTRY_TOPIC)) == 0);
}

static void kick(const char *certificate_id)
{
	assert(registry_is_id(certificate_id));
}

static struct gate gate = { .broker = { say, publish, kick } };

static void open_registry(void)
{
	struct err e;

	if (!gate.registry)
		assert(registry_open(":memory:", &gate.registry, &e));
	assert(query_run(registry_database(gate.registry), "DELETE FROM certificate", NULL, &e) &&
	       query_run(registry_database(gate.registry), "DELETE FROM event", NULL, &e) &&
	       query_run(registry_database(gate.registry), "DELETE FROM attached", NULL, &e) &&
	       query_run(registry_database(gate.registry), "DELETE FROM ca", NULL, &e));
	memset(&gate.manners, 0, sizeof(gate.manners));
	memset(&gate.sessions, 0, sizeof(gate.sessions));
}

/* --- a policy --- */

static void judge(char *text, size_t size)
{
	const char *action = text + strlen(text) + 1;
	const char *end = text + size + 1;
	const char *resource = action < end ? action + strlen(action) + 1 : end;
	const struct policy_client client = { .id = action, .thing_attached = size % 2 };
	enum policy_effect effect;
	struct err e = { 0 };

	if (resource >= end)
		return;
	effect = policy_judge(text, &client, action, resource);
	if (!policy_check(text, &e)) {
		assert(e.code == ERR_INVALID && *e.text);
		return;
	}
	assert(effect <= POLICY_DENY);
	assert(effect == policy_judge(text, &client, action, resource));
	assert(policy_judge("", &client, action, resource) == POLICY_DENY);
}

/* --- a device --- */

static X509 *next_certificate(const uint8_t **data, size_t *size)
{
	const uint8_t *at = *data + 2;
	size_t len = *size >= 2 ? (size_t)(*data)[0] << 8 | (*data)[1] : 0;
	X509 *certificate;

	if (len == 0 || len > *size - 2)
		return NULL;
	certificate = d2i_X509(NULL, &at, (long)len);
	*data += 2 + len;
	*size -= 2 + len;
	return certificate;
}

/* As if the last one sent had been registered by REST. */
static void register_ca(X509 *ca)
{
	AUTO(BIO) text = BIO_new(BIO_s_mem());
	const unsigned char *subject;
	char id[REGISTRY_ID_SIZE], *pem;
	size_t len;
	struct err e;

	assert(text && PEM_write_bio_X509(text, ca) && BIO_write(text, "", 1) == 1);
	BIO_get_mem_data(text, &pem);
	if (!X509_NAME_get0_der(X509_get_subject_name(ca), &subject, &len) || !cert_id(ca, id, &e))
		return;
	assert(query_run(registry_database(gate.registry),
			 "INSERT INTO ca (id, pem, subject, status, auto_registration, mode,"
			 " created, modified, not_before, not_after)"
			 " VALUES (?1, ?2, ?3, 'ACTIVE', 'ENABLE', 'DEFAULT', 1, 1, 1, 1)",
			 VALUES(STRING(id), STRING(pem), BLOB(bytes_of(subject, len))), &e));
}

/* A registered device gets a policy, and is let in. */
static void activate(const char *id)
{
	static const char policy[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":\"iot:Connect\",\"Resource\":\"arn:aws:iot:*:client/T-*\"}]}";
	sqlite3 *db = registry_database(gate.registry);
	struct err e;

	assert(query_run(db, "UPDATE certificate SET status = 'ACTIVE' WHERE id = ?1",
			 VALUES(STRING(id)), &e) &&
	       query_run(db,
			 "INSERT OR IGNORE INTO policy (name, document, created)"
			 " VALUES ('p', ?1, 1)",
			 VALUES(STRING(policy)), &e) &&
	       query_run(db,
			 "INSERT INTO attached (policy, target) SELECT 'p', 'arn:aws:iot:' ||"
			 " (SELECT value FROM setting WHERE name = 'region') || ':' ||"
			 " (SELECT value FROM setting WHERE name = 'account') || ':cert/' || ?1",
			 VALUES(STRING(id)), &e));
}

static void visit(const char *client_id, const uint8_t *data, size_t size)
{
	AUTO(stack) sent = sk_X509_new_null();
	AUTO(visit) v = NULL;
	struct err e = { 0 };
	X509 *one;

	while (sk_X509_num(sent) < SENT_MAX && (one = next_certificate(&data, &size)))
		sk_X509_push(sent, one);
	if (sk_X509_num(sent) == 0)
		return;
	open_registry();
	gate.chain_required = size % 2;
	register_ca(sk_X509_value(sent, sk_X509_num(sent) - 1));
	if (!visit_new(sk_X509_value(sent, 0), sent, size % 3, "127.0.0.1:1883", &v, &e)) {
		assert(*e.text);
		return;
	}
	say(0, v->id);
	for (const char *c = v->common_name; *c; c++)
		assert(*c >= ' ' && *c <= '~' && *c != '"');
	for (int i = 0; i < 2; i++) /* the second time it is registered, if it ever is */
		assert(!gate_enter(&gate, v, v, client_id)); /* nobody has made it ACTIVE */
	activate(v->id);
	if (gate_enter(&gate, v, v, client_id)) {
		assert(gate_allows(&gate, v->id, client_id, "iot:Connect", "client", client_id));
		gate_leave(&gate, v);
	}
	gate_denied(&gate, v->id, client_id, "publish");
	gate_tick(&gate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = size > 0 ? malloc(size) : NULL;
	const uint8_t *rest;

	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	rest = data + 1 + strnlen(text, size - 1);
	if (data[0] % 2 == 0)
		judge(text, size - 1);
	else if (rest < data + size)
		visit(text, rest + 1, (size_t)(data + size - rest - 1));
	return 0;
}
