/* settings: what `imprint rehearsal up` was told, and the files of a rehearsal. All of them are named
 * from its folder, which is the working directory (folder_enter).
 *	registry.db	what AWS would know; it stays
 *	root.pem server.pem server.key	the root that clients trust, and the server's certificate
 *	home/		a HOME: credentials, region, and the alias that sends `aws iot` here
 *	mosquitto.conf log log.old lock rehearsal.pid rehearsal.json
 * Threads: one. Layer above: up, down, service. Below: none. */
#ifndef CLOUD_REHEARSAL_LAUNCH_SETTINGS_H
#define CLOUD_REHEARSAL_LAUNCH_SETTINGS_H

#include "base/err.h"

#include <stdint.h>

#define SETTINGS_MQTT_PORT 8883
#define SETTINGS_ACCESS_KEY "AKIAREHEARSALEXAMPLE" /* of no account */
#define SETTINGS_SECRET_KEY "rehearsal/secret+key/of/no/account+00000"

#define FILE_REGISTRY "registry.db"
#define FILE_ROOT "root.pem"
#define FILE_SERVER "server.pem"
#define FILE_SERVER_KEY "server.key"
#define FILE_CONFIGURATION "mosquitto.conf"
#define FILE_LOG "log"
#define FILE_OLD_LOG "log.old" /* what the log was, each time it had grown longer than LOG_MAX */
#define LOG_MAX (32 << 20)
#define FILE_LOCK "lock"
#define FILE_PID "rehearsal.pid"
#define FILE_STATE "rehearsal.json"
#define FOLDER_HOME "home"

struct settings {
	uint16_t mqtt_port, rest_port, event_port; /* 0: any free one */
	const char *refusal, *chain;		   /* the plugin's words */
	const char *region, *account;		   /* NULL: the registry's */
	const char *session_token, *on_register;   /* NULL: none */
	bool unsigned_too, json, follow;
};

/* Each is a command; `dir` is as it was typed. The sentence of a failure is in *e. */
MUST_CHECK bool up_command(const char *dir, const struct settings *settings, struct err *e);
MUST_CHECK bool down_command(const char *dir, const struct settings *settings, struct err *e);
MUST_CHECK bool log_command(const char *dir, const struct settings *settings, struct err *e);

#endif
