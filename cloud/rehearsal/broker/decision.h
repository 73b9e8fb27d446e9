/* decision: what becomes of a device that knocks: from facts to a verdict, in words.
 * A registered certificate: its own status decides, whatever its CA's; but without the server's name
 * AWS does not find one that is registered as SNI_ONLY. An unknown one: each row of a table that
 * holds refuses it, the first one speaks; if none does, it is registered as PENDING_ACTIVATION, and
 * refused as well. The order is the order of the verdicts below.
 * On AWS the device learns nothing from a refusal; here the engineer does: each verdict has a phrase
 * and an advice (docs/rehearsal.md has the same list).
 * Pure. Threads: any. Layer above: inspect, gate. Below: none. */
#ifndef CLOUD_REHEARSAL_BROKER_DECISION_H
#define CLOUD_REHEARSAL_BROKER_DECISION_H

#include <stdbool.h>
#include <stdint.h>

enum standing {
	STANDING_UNKNOWN,
	STANDING_ACTIVE,
	STANDING_PENDING,
	STANDING_INACTIVE,
	STANDING_REVOKED
};

enum verdict {
	VERDICT_ACCEPTED,
	/* the unknown, in the order of looking */
	VERDICT_WRONG_ORDER,
	VERDICT_CA_UNKNOWN,
	VERDICT_WEAK,
	VERDICT_NOT_SIGNED,
	VERDICT_CA_NOT_SENT,
	VERDICT_CA_INACTIVE,
	VERDICT_AUTO_REGISTRATION_OFF,
	VERDICT_NO_SNI,
	VERDICT_NOT_YET_VALID,
	VERDICT_EXPIRED,
	VERDICT_NEW, /* register it, publish the event */
	/* the registered */
	VERDICT_PENDING, /* publish the event again */
	VERDICT_INACTIVE,
	VERDICT_REVOKED,
	/* at CONNECT, for the ACTIVE ones */
	VERDICT_NO_POLICY,
	VERDICT_NOT_ALLOWED,
	/* not a matter of the certificate's standing */
	VERDICT_NO_KEY,
	VERDICT_NO_CERTIFICATE,
	VERDICT_NOT_TLS,
	VERDICT_SERVER_UNTRUSTED,
	VERDICT_SERVER_DISLIKED,
	VERDICT_CLIENT_CLOCK,
	VERDICT_HANDSHAKE,
	VERDICT_NOT_LOCAL,
	VERDICT_FULL,
	VERDICT_TROUBLE,
	VERDICT_COUNT
};

/* A registered CA whose subject is the leaf's issuer. */
struct ca_facts {
	bool signed_leaf; /* its key verifies the leaf */
	bool sent;	  /* it came in the chain */
	bool active, auto_registration, sni_only;
};

struct facts {
	enum standing standing;
	bool sni_only; /* it is registered so */
	bool leaf_is_ca; /* the first certificate sent is a registered CA, or issued another one sent */
	bool ca_known; /* `ca` is the fittest of those that the leaf's issuer names */
	bool weak;     /* signature or key that AWS does not take */
	struct ca_facts ca;
	bool chain_required, sni;
	int64_t now_s, not_before_s, not_after_s;
};

enum verdict decision_of(const struct facts *facts);

/* Several CAs may share a subject: the one with the highest rank counts, the oldest of equals. */
unsigned decision_rank(const struct ca_facts *ca);

/* AWS's word: anything but ACTIVE, PENDING_ACTIVATION and REVOKED counts as INACTIVE. */
enum standing decision_standing(const char *status);

/* Is it settled only when the client has proved that it holds the key? */
bool decision_needs_proof(enum verdict verdict);

const char *decision_phrase(enum verdict verdict);
const char *decision_advice(enum verdict verdict);

#endif
