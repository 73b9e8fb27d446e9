#include "cloud/rehearsal/broker/gate.h"

#include "base/clock.h"
#include "cloud/rehearsal/broker/inspect.h"
#include "cloud/rehearsal/cert.h"
#include "cloud/rehearsal/query.h"

#include <openssl/pem.h>
#include <stdarg.h>
#include <syslog.h>

#define LINE_SIZE 768
#define DATES_SIZE (4 * CLOCK_TEXT_SIZE)
#define TOPIC_SIZE (sizeof(REGISTRY_TOPIC) + REGISTRY_ID_SIZE)
#define ARN_SIZE 512
#define LOOK_MS 200
#define SHOWN_SIZE SESSIONS_CLIENT_ID_SIZE

__attribute__((format(printf, 3, 4))) static void say(const struct gate *g, int level,
						      const char *format, ...)
{
	char line[LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	g->broker.say(level, line);
}

static void say_error(const struct gate *g, const char *what, const struct err *e)
{
	say(g, LOG_ERR, "%s: %s", what, e->text);
}

/* --- judging --- */

enum verdict gate_judge(struct gate *g, struct visit *v)
{
	struct findings found;
	struct err e;

	v->verdict = VERDICT_TROUBLE;
	if (!inspect_visit(g->registry, v, g->chain_required, &found, &e)) {
		say_error(g, "cannot judge a certificate", &e);
		return v->verdict;
	}
	memcpy(v->ca_id, found.ca_id, sizeof(v->ca_id));
	return v->verdict = decision_of(&found.facts);
}

/* --- registering and announcing --- */

static bool register_leaf(struct gate *g, const struct visit *v, struct err *e)
{
	AUTO(BIO) text = BIO_new(BIO_s_mem());
	int64_t not_before_s, not_after_s;
	char *pem;

	if (!text || !PEM_write_bio_X509(text, v->leaf) || BIO_write(text, "", 1) != 1)
		return err_set(e, ERR_SYSTEM, "no memory");
	BIO_get_mem_data(text, &pem);
	return cert_dates(v->leaf, &not_before_s, &not_after_s, e) &&
	       registry_register(g->registry, v->id, v->ca_id, pem, not_before_s * 1000,
				 not_after_s * 1000, e);
}

static bool announce(struct gate *g, const struct visit *v, struct err *e)
{
	struct registry_certificate certificate;
	AUTO_FREE char *payload = NULL;
	char topic[TOPIC_SIZE];

	/* The CA of its registration, whoever it was that registered it. */
	if (!registry_certificate(g->registry, v->id, &certificate, e) ||
	    !registry_event(g->registry, v->id, &payload, e))
		return false;
	snprintf(topic, sizeof(topic), REGISTRY_TOPIC "%s", certificate.ca_id);
	g->broker.publish(topic, payload);
	return true;
}

static void put_on_record(struct gate *g, struct visit *v)
{
	struct err e;

	if (v->verdict == VERDICT_NEW && !register_leaf(g, v, &e)) {
		say_error(g, "cannot register a certificate", &e);
		v->verdict = VERDICT_TROUBLE;
		return;
	}
	/* ERR_NOT_FOUND: its status was changed a moment ago; its next connection shows it. */
	if (!announce(g, v, &e) && e.code != ERR_NOT_FOUND)
		say_error(g, "cannot publish the event of a certificate", &e);
}

/* --- refusing --- */

/* A clock is looked for on both sides: its time and the certificate's dates. */
static const char *dates_of(const struct visit *v, char text[static DATES_SIZE])
{
	char now[CLOCK_TEXT_SIZE], from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];
	int64_t not_before_s, not_after_s;
	struct err e;

	*text = '\0';
	if ((v->verdict == VERDICT_EXPIRED || v->verdict == VERDICT_NOT_YET_VALID) &&
	    cert_dates(v->leaf, &not_before_s, &not_after_s, &e))
		snprintf(text, DATES_SIZE, " now=%s valid=%s/%s", clock_format(clock_wall_s(), now),
			 clock_format(not_before_s, from), clock_format(not_after_s, until));
	return text;
}

static void judge_manners(struct gate *g, const struct visit *v)
{
	uint32_t attempts;
	int64_t elapsed_ms;

	if (manners_refused(&g->manners, v->id, clock_monotonic_ms(), &attempts, &elapsed_ms))
		say(g, LOG_WARNING,
		    "reconnects without back-off certificate=%.16s cn=\"%s\" from=%s attempts=%u"
		    " seconds=%.1f do=\"double the pause after each refusal, from 1 s on\"",
		    v->id, v->common_name, v->address, attempts, (double)elapsed_ms / 1000);
}

void gate_refuse(struct gate *g, struct visit *v)
{
	char dates[DATES_SIZE];

	if (decision_needs_proof(v->verdict))
		put_on_record(g, v);
	say(g, LOG_WARNING, "refused: %s certificate=%.16s cn=\"%s\" from=%s%s do=\"%s\"",
	    decision_phrase(v->verdict), v->id, v->common_name, v->address, dates_of(v, dates),
	    decision_advice(v->verdict));
	judge_manners(g, v);
}

void gate_refuse_stranger(struct gate *g, enum verdict verdict, const char *address,
			  const char *reason)
{
	say(g, LOG_WARNING, "refused: %s from=%s%s%s%s do=\"%s\"", decision_phrase(verdict),
	    address, *reason ? " reason=\"" : "", reason, *reason ? "\"" : "",
	    decision_advice(verdict));
}

/* --- sessions --- */

static bool count_policies(struct gate *g, const char *id, int64_t *ret_count, struct err *e)
{
	char resource[REGISTRY_ID_SIZE + sizeof("cert/")], arn[ARN_SIZE];

	snprintf(resource, sizeof(resource), "cert/%s", id);
	return registry_arn(g->registry, resource, arn, sizeof(arn), e) &&
	       query_number(registry_database(g->registry),
			    "SELECT count(*) FROM attached WHERE target = ?1", VALUES(STRING(arn)),
			    ret_count, e);
}

static enum verdict judge_policy(struct gate *g, const char *id, const char *client_id)
{
	int64_t policies;
	struct err e;

	if (!count_policies(g, id, &policies, &e)) {
		say_error(g, "cannot look for policies", &e);
		return VERDICT_TROUBLE;
	}
	if (policies == 0)
		return VERDICT_NO_POLICY;
	return gate_allows(g, id, client_id, "iot:Connect", "client", client_id)
		       ? VERDICT_ACCEPTED
		       : VERDICT_NOT_ALLOWED;
}

static const char *printable(const char *text, char ret_text[static SHOWN_SIZE])
{
	snprintf(ret_text, SHOWN_SIZE, "%s", text);
	for (char *c = ret_text; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '"')
			*c = '?';
	return ret_text;
}

static void tell_of_clash(struct gate *g, const struct visit *v, const char *client_id)
{
	const struct session *other = sessions_clash(&g->sessions, v->id, client_id);
	char shown[SHOWN_SIZE];

	if (!other || !manners_may_tell(&g->manners, client_id, clock_monotonic_ms()))
		return;
	say(g, LOG_WARNING,
	    "one client id, two certificates client=\"%s\" certificate=%.16s other=%.16s from=%s"
	    " do=\"give each device its own: the newer connection ends the older one\"",
	    printable(client_id, shown), v->id, other->certificate_id, v->address);
}

bool gate_enter(struct gate *g, struct visit *v, const void *client, const char *client_id)
{
	if (gate_judge(g, v) == VERDICT_ACCEPTED)
		v->verdict = judge_policy(g, v->id, client_id);
	if (v->verdict == VERDICT_ACCEPTED) {
		tell_of_clash(g, v, client_id);
		if (!sessions_add(&g->sessions, client, v->id, client_id))
			v->verdict = VERDICT_FULL;
	}
	if (v->verdict != VERDICT_ACCEPTED) {
		gate_refuse(g, v);
		return false;
	}
	manners_accepted(&g->manners, v->id);
	say(g, LOG_INFO, "accepted certificate=%.16s cn=\"%s\" from=%s", v->id, v->common_name,
	    v->address);
	return true;
}

void gate_leave(struct gate *g, const void *client)
{
	sessions_remove(&g->sessions, client);
}

bool gate_allows(struct gate *g, const char *certificate_id, const char *client_id,
		 const char *action, const char *kind, const char *topic)
{
	AUTO_FREE char *resource = NULL;
	bool allowed;
	struct err e;

	if (asprintf(&resource, "%s/%s", kind, topic) < 0) {
		resource = NULL;
		return false;
	}
	if (registry_allows(g->registry, certificate_id, client_id, action, resource, &allowed, &e))
		return allowed;
	say_error(g, "cannot judge a policy", &e);
	return false;
}

void gate_denied(struct gate *g, const char *certificate_id, const char *topic, const char *act)
{
	char shown[SHOWN_SIZE];

	if (manners_may_tell(&g->manners, topic, clock_monotonic_ms()))
		say(g, LOG_WARNING,
		    "denied: %s certificate=%.16s topic=\"%s\" do=\"allow it in the certificate's "
		    "policy;"
		    " $aws/events/ is AWS's own\"",
		    act, certificate_id ? certificate_id : "none", printable(topic, shown));
}

static void look_again(struct gate *g, const char *session_id)
{
	char id[REGISTRY_ID_SIZE];
	enum standing standing;
	struct err e;

	memcpy(id, session_id, sizeof(id)); /* the session goes while its id is in use */
	if (!inspect_standing(g->registry, id, &standing, &e)) {
		say_error(g, "cannot look at a certificate", &e);
		return;
	}
	if (standing == STANDING_ACTIVE)
		return;
	say(g, LOG_NOTICE, "disconnected: its certificate is no longer ACTIVE certificate=%.16s",
	    id);
	g->broker.kick(id);
}

void gate_tick(struct gate *g)
{
	int64_t now_ms = clock_monotonic_ms();

	if (now_ms - g->looked_ms < LOOK_MS)
		return;
	g->looked_ms = now_ms;
	if (!registry_changed(g->registry))
		return;
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (g->sessions.entries[i].client)
			look_again(g, g->sessions.entries[i].certificate_id);
}
