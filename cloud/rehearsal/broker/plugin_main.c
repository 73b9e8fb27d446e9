/* plugin: imprint-rehearsal.so, loaded by mosquitto 2.0: options, and mosquitto's events to the gate.
 *	plugin_opt_registry FILE		registry.h's; made by whoever comes first. Must be given
 *	plugin_opt_refusal tls|connect		refuse in the TLS handshake (alert 46, as in 2016), or
 *						at CONNECT without a CONNACK (as AWS since about 2024)
 *	plugin_opt_chain required|optional	must an unknown device send its CA, too (2016, 2022)?
 *	plugin_opt_tls 1.2|1.3			the highest version; as it is with that refusal
 * In mosquitto.conf the plugin stands before the listeners, and per_listener_settings is not true.
 * Devices come to a TLS listener with require_certificate and without cafile, capath and
 * use_identity_as_username: the plugin decides. Their user name becomes their certificate's id, by
 * which the broker can throw them out. A plain listener on loopback is for engineers and rules: they
 * are no devices. Threads: mosquitto's one. Layer above: mosquitto. Below: handshake. */
#include "cloud/rehearsal/broker/handshake.h"

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <openssl/ssl.h>
#include <syslog.h>

#define EXPORT __attribute__((visibility("default")))
#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define RESERVED "$aws/events/"
/* Any code but MOSQ_ERR_AUTH closes the line without a CONNACK. */
#define REFUSED MOSQ_ERR_UNKNOWN

struct plugin {
	struct gate gate;
	struct registry *registry;
	mosquitto_plugin_id_t *identifier;
};

/* --- what the gate asks of mosquitto --- */

static void say(int level, const char *line)
{
	static const int levels[] = {
		[LOG_ERR] = MOSQ_LOG_ERR,
		[LOG_WARNING] = MOSQ_LOG_WARNING,
		[LOG_NOTICE] = MOSQ_LOG_NOTICE,
		[LOG_INFO] = MOSQ_LOG_INFO,
	};

	mosquitto_log_printf(levels[level], "%s", line);
}

static void publish(const char *topic, const char *payload)
{
	if (mosquitto_broker_publish_copy(NULL, topic, (int)strlen(payload), payload, 1, false,
					  NULL) != MOSQ_ERR_SUCCESS)
		say(LOG_ERR, "cannot publish an event");
}

static void kick(const char *certificate_id)
{
	mosquitto_kick_client_by_username(certificate_id, true);
}

/* --- mosquitto's events --- */

static int enter_plain(struct gate *g, const struct mosquitto *client)
{
	const char *address = mosquitto_client_address(client);

	if (address && (strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0)) {
		say(LOG_INFO, "accepted: not a device, plain MQTT on this machine");
		return MOSQ_ERR_SUCCESS;
	}
	gate_refuse_stranger(g, VERDICT_NOT_LOCAL, address ? address : "?", "");
	return REFUSED;
}

static int on_connect(int event, void *data, void *context)
{
	struct mosquitto_evt_basic_auth *connect = data;
	X509 *leaf = mosquitto_client_certificate(connect->client);
	const char *client_id = mosquitto_client_id(connect->client);
	struct plugin *p = context;
	struct visit *v;
	int rc = REFUSED;

	(void)event;
	if (!leaf)
		return enter_plain(&p->gate, connect->client);
	v = handshake_visit(leaf);
	if (v && gate_enter(&p->gate, v, connect->client, client_id ? client_id : ""))
		rc = mosquitto_set_username(connect->client, v->id);
	X509_free(leaf);
	return rc;
}

static int on_disconnect(int event, void *data, void *context)
{
	struct mosquitto_evt_disconnect *end = data;
	struct plugin *p = context;

	(void)event;
	gate_leave(&p->gate, end->client);
	return MOSQ_ERR_SUCCESS;
}

static bool may(struct gate *g, const struct mosquitto_evt_acl_check *asked)
{
	static const struct {
		int access;
		const char *action, *kind;
	} actions[] = {
		{ MOSQ_ACL_READ, "iot:Receive", "topic" },
		{ MOSQ_ACL_WRITE, "iot:Publish", "topic" },
		{ MOSQ_ACL_SUBSCRIBE, "iot:Subscribe", "topicfilter" },
	};
	const char *username = mosquitto_client_username(asked->client);
	const char *client_id = mosquitto_client_id(asked->client);

	if (asked->access == MOSQ_ACL_WRITE &&
	    strncmp(asked->topic, RESERVED, strlen(RESERVED)) == 0)
		return false;
	if (!username || !registry_is_id(username)) /* only a device has such a user name */
		return true;
	for (size_t i = 0; i < COUNT(actions); i++)
		if (actions[i].access == asked->access)
			return gate_allows(g, username, client_id ? client_id : "",
					   actions[i].action, actions[i].kind, asked->topic);
	return true; /* it may always unsubscribe */
}

static int on_acl_check(int event, void *data, void *context)
{
	struct mosquitto_evt_acl_check *asked = data;
	struct plugin *p = context;

	(void)event;
	if (!asked->client || may(&p->gate, asked))
		return MOSQ_ERR_SUCCESS;
	gate_denied(&p->gate, mosquitto_client_username(asked->client), asked->topic,
		    asked->access == MOSQ_ACL_WRITE  ? "publish"
		    : asked->access == MOSQ_ACL_READ ? "receive"
						     : "subscribe");
	return MOSQ_ERR_ACL_DENIED;
}

static int on_tick(int event, void *data, void *context)
{
	struct plugin *p = context;

	(void)event;
	(void)data;
	gate_tick(&p->gate);
	return MOSQ_ERR_SUCCESS;
}

static const struct {
	int event;
	MOSQ_FUNC_generic_callback call;
} events[] = {
	{ MOSQ_EVT_BASIC_AUTH, on_connect },
	{ MOSQ_EVT_DISCONNECT, on_disconnect },
	{ MOSQ_EVT_ACL_CHECK, on_acl_check },
	{ MOSQ_EVT_TICK, on_tick },
};

/* --- options --- */

struct options {
	const char *registry, *refusal, *chain, *tls;
};

static bool read_option(const struct mosquitto_opt *option, struct options *options, struct err *e)
{
	const struct {
		const char *key, *one, *other;
		const char **value;
	} known[] = {
		{ "registry", NULL, NULL, &options->registry },
		{ "refusal", "tls", "connect", &options->refusal },
		{ "chain", "required", "optional", &options->chain },
		{ "tls", "1.2", "1.3", &options->tls },
	};

	for (size_t i = 0; i < COUNT(known); i++) {
		if (strcmp(known[i].key, option->key) != 0)
			continue;
		if (known[i].one && strcmp(option->value, known[i].one) != 0 &&
		    strcmp(option->value, known[i].other) != 0)
			return err_set(e, ERR_INVALID, "plugin_opt_%s must be %s or %s",
				       known[i].key, known[i].one, known[i].other);
		*known[i].value = option->value;
		return true;
	}
	return err_set(e, ERR_INVALID, "plugin_opt_%s is not known", option->key);
}

static bool read_options(const struct mosquitto_opt *list, int count, struct options *ret_options,
			 struct err *e)
{
	struct options options = { .refusal = "tls", .chain = "required" };

	for (int i = 0; i < count; i++)
		if (!read_option(&list[i], &options, e))
			return false;
	if (!options.registry)
		return err_set(e, ERR_INVALID, "plugin_opt_registry is missing");
	if (!options.tls)
		options.tls = strcmp(options.refusal, "tls") == 0 ? "1.2" : "1.3";
	*ret_options = options;
	return true;
}

/* --- the plugin --- */

static bool start(struct plugin *p, const struct options *options, struct err *e)
{
	static const struct gate_broker broker = { say, publish, kick };

	if (!registry_open(options->registry, &p->registry, e))
		return false;
	p->gate.registry = p->registry;
	p->gate.broker = broker;
	p->gate.refuse_at_connect = strcmp(options->refusal, "connect") == 0;
	p->gate.chain_required = strcmp(options->chain, "required") == 0;
	for (size_t i = 0; i < COUNT(events); i++)
		if (mosquitto_callback_register(p->identifier, events[i].event, events[i].call,
						NULL, p) != MOSQ_ERR_SUCCESS)
			return err_set(e, ERR_SYSTEM, "mosquitto does not take the callbacks");
	return handshake_hook(
		&p->gate, strcmp(options->tls, "1.3") == 0 ? TLS1_3_VERSION : TLS1_2_VERSION, e);
}

static void stop(struct plugin *p)
{
	handshake_unhook();
	for (size_t i = 0; i < COUNT(events); i++)
		mosquitto_callback_unregister(p->identifier, events[i].event, events[i].call, NULL);
	registry_close(p->registry);
}

EXPORT int mosquitto_plugin_version(int count, const int *versions)
{
	for (int i = 0; i < count; i++)
		if (versions[i] == MOSQ_PLUGIN_VERSION)
			return MOSQ_PLUGIN_VERSION;
	return -1;
}

EXPORT int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **ret_plugin,
				 struct mosquitto_opt *list, int count)
{
	AUTO_FREE struct plugin *p = calloc(1, sizeof(*p));
	struct options options;
	struct err e;

	if (!p)
		return MOSQ_ERR_NOMEM;
	p->identifier = identifier;
	if (!read_options(list, count, &options, &e) || !start(p, &options, &e)) {
		say(LOG_ERR, e.text);
		stop(p);
		return MOSQ_ERR_UNKNOWN;
	}
	*ret_plugin = TAKE(p);
	return MOSQ_ERR_SUCCESS;
}

EXPORT int mosquitto_plugin_cleanup(void *plugin, struct mosquitto_opt *list, int count)
{
	struct plugin *p = plugin;

	(void)list;
	(void)count;
	stop(p);
	free(p);
	return MOSQ_ERR_SUCCESS;
}
