/* gate: lets devices in, or turns them away and says why. It knows nothing of the broker but what it
 * is given in `struct gate_broker`.
 * Every refusal is one line: "refused: CA not sent certificate=… cn=… from=… do=…". Who is refused as
 * new or as pending is registered and announced first; that must wait until the client has proved
 * that it holds the certificate's key, or anybody with a copy of the certificate could do it.
 * Threads: the broker's one. Layer above: handshake, plugin. Below: inspect, decision, manners,
 * sessions, registry. */
#ifndef CLOUD_REHEARSAL_BROKER_GATE_H
#define CLOUD_REHEARSAL_BROKER_GATE_H

#include "cloud/rehearsal/broker/manners.h"
#include "cloud/rehearsal/broker/sessions.h"
#include "cloud/rehearsal/broker/visit.h"

struct gate_broker {
	void (*say)(int level, const char *line); /* a line for the log, syslog's level */
	void (*publish)(const char *topic, const char *payload);
	void (*kick)(const char *certificate_id); /* calls gate_leave for each session */
};

struct gate {
	struct registry *registry;
	struct gate_broker broker;
	bool refuse_at_connect, chain_required;
	struct manners manners;
	struct sessions sessions;
	int64_t looked_ms; /* the last look for changed statuses */
};

/* What becomes of the visit now. Nothing is written. */
enum verdict gate_judge(struct gate *g, struct visit *v);
/* A refusal: registers and announces if it is one of these, and names it in the log. */
void gate_refuse(struct gate *g, struct visit *v);
/* A refusal of somebody without a certificate, or before it came; `reason` may be "". */
void gate_refuse_stranger(struct gate *g, enum verdict verdict, const char *address,
			  const char *reason);

/* MQTT's CONNECT of a device: false if it was refused. */
bool gate_enter(struct gate *g, struct visit *v, const void *client, const char *client_id);
void gate_leave(struct gate *g, const void *client);

/* May the certificate's device do it, under that client id? kind and topic: "topic", T;
 * "topicfilter", F; "client", ID. */
bool gate_allows(struct gate *g, const char *certificate_id, const char *client_id,
		 const char *action, const char *kind, const char *topic);
/* Names a denial in the log, each topic once a minute. */
void gate_denied(struct gate *g, const char *certificate_id, const char *topic, const char *act);

/* Often: throws out the sessions of certificates that are no longer ACTIVE. */
void gate_tick(struct gate *g);

#endif
