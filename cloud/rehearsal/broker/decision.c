#include "cloud/rehearsal/broker/decision.h"

#include <stddef.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct {
	const char *phrase, *advice;
} words[VERDICT_COUNT] = {
	[VERDICT_ACCEPTED] = { "accepted", "" },
	[VERDICT_WRONG_ORDER] = { "chain in the wrong order",
				  "the device's own certificate must come first in the file, its "
				  "CA behind it" },
	[VERDICT_CA_UNKNOWN] = { "CA not registered", "register the CA that signed this "
						      "certificate itself, not one above it" },
	[VERDICT_WEAK] = { "weak signature or key", "sign with SHA-256 or better, RSA of 2048 bits "
						    "or more, or P-256, P-384, P-521" },
	[VERDICT_NOT_SIGNED] = { "wrong signature", "the CA registered under this name has another "
						    "key: register the one that signed" },
	[VERDICT_CA_NOT_SENT] = { "CA not sent",
				  "write the CA's certificate behind the device's into the same "
				  "file, or start with --chain optional" },
	[VERDICT_CA_INACTIVE] = { "CA inactive", "aws iot update-ca-certificate --new-status "
						 "ACTIVE, or register the device yourself" },
	[VERDICT_AUTO_REGISTRATION_OFF] = { "auto-registration off",
					    "aws iot update-ca-certificate "
					    "--new-auto-registration-status ENABLE" },
	[VERDICT_NO_SNI] = { "no server name sent",
			     "it or its CA is registered as SNI_ONLY: connect by "
			     "the endpoint's name, not by address, with SNI on" },
	[VERDICT_NOT_YET_VALID] = { "not yet valid",
				    "compare the clock that issued the certificate with this one" },
	[VERDICT_EXPIRED] = { "expired", "issue a new certificate, or set the clock of this PC" },
	[VERDICT_NEW] = { "registered now, not yet active",
			  "wait for the activation and connect again; the event is published" },
	[VERDICT_PENDING] = { "not yet active",
			      "the event is published again: does a rule activate it? aws iot "
			      "update-certificate --new-status ACTIVE" },
	[VERDICT_INACTIVE] = { "inactive", "aws iot update-certificate --new-status ACTIVE" },
	[VERDICT_REVOKED] = { "revoked", "it stays so: give the device a new certificate" },
	[VERDICT_NO_POLICY] = { "no policy", "aws iot attach-policy: active alone is not enough" },
	[VERDICT_NOT_ALLOWED] = { "policy does not allow this client id",
				  "its policies must allow iot:Connect on client/ID" },
	[VERDICT_NO_KEY] = { "certificate without its key",
			     "the device signed with another key than its certificate's: nothing "
			     "was registered" },
	[VERDICT_NO_CERTIFICATE] = { "no client certificate", "give the client --cert and --key" },
	[VERDICT_NOT_TLS] = { "not TLS", "this port speaks TLS: plain MQTT cannot connect here" },
	[VERDICT_SERVER_UNTRUSTED] = { "client does not trust the server",
				       "its --cafile is not root.pem" },
	[VERDICT_SERVER_DISLIKED] = { "client refuses the server's certificate",
				      "is its --cafile root.pem, and does it connect to localhost "
				      "by name?" },
	[VERDICT_CLIENT_CLOCK] = { "client holds the server's certificate to be out of date",
				   "set the device's clock" },
	[VERDICT_HANDSHAKE] = { "TLS handshake failed",
				"TLS 1.2 is needed; the reason is in OpenSSL's words" },
	[VERDICT_NOT_LOCAL] = { "plain MQTT from another machine", "devices connect with TLS" },
	[VERDICT_FULL] = { "too many sessions", "the rehearsal holds 1,024 at a time" },
	[VERDICT_TROUBLE] = { "rehearsal's own trouble", "see the line before" },
};

const char *decision_phrase(enum verdict verdict)
{
	return words[verdict].phrase;
}

const char *decision_advice(enum verdict verdict)
{
	return words[verdict].advice;
}

static enum verdict of_unknown(const struct facts *f)
{
	const struct {
		bool holds;
		enum verdict verdict;
	} rows[] = {
		{ f->leaf_is_ca, VERDICT_WRONG_ORDER },
		{ !f->ca_known, VERDICT_CA_UNKNOWN },
		{ f->weak, VERDICT_WEAK },
		{ !f->ca.signed_leaf, VERDICT_NOT_SIGNED },
		{ f->chain_required && !f->ca.sent, VERDICT_CA_NOT_SENT },
		{ !f->ca.active, VERDICT_CA_INACTIVE },
		{ !f->ca.auto_registration, VERDICT_AUTO_REGISTRATION_OFF },
		{ f->ca.sni_only && !f->sni, VERDICT_NO_SNI },
		{ f->now_s < f->not_before_s, VERDICT_NOT_YET_VALID },
		{ f->now_s > f->not_after_s, VERDICT_EXPIRED },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].holds)
			return rows[i].verdict;
	return VERDICT_NEW;
}

enum verdict decision_of(const struct facts *facts)
{
	static const enum verdict of_registered[] = {
		[STANDING_ACTIVE] = VERDICT_ACCEPTED,
		[STANDING_PENDING] = VERDICT_PENDING,
		[STANDING_INACTIVE] = VERDICT_INACTIVE,
		[STANDING_REVOKED] = VERDICT_REVOKED,
	};

	if (facts->standing == STANDING_UNKNOWN)
		return of_unknown(facts);
	return facts->sni_only && !facts->sni ? VERDICT_NO_SNI : of_registered[facts->standing];
}

unsigned decision_rank(const struct ca_facts *ca)
{
	return ca->signed_leaf * 8u + ca->sent * 4u + ca->active * 2u + ca->auto_registration;
}

enum standing decision_standing(const char *status)
{
	static const struct {
		const char *status;
		enum standing standing;
	} names[] = {
		{ "ACTIVE", STANDING_ACTIVE },
		{ "PENDING_ACTIVATION", STANDING_PENDING },
		{ "REVOKED", STANDING_REVOKED },
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i].status, status) == 0)
			return names[i].standing;
	return STANDING_INACTIVE;
}

bool decision_needs_proof(enum verdict verdict)
{
	return verdict == VERDICT_NEW || verdict == VERDICT_PENDING;
}
