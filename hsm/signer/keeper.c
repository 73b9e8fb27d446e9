/* keeper: the token comes and goes. When a signature fails for the token's reason the line pauses
 * ("token lost, boards wait"): once no worker uses it any more, everything is closed and reopened,
 * with growing pauses. A refused PIN is not tried again (token_open sees to that): the line resumes
 * when its file has changed. */
#include "hsm/signer/signer.h"

#include "base/clock.h"
#include "base/log.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define PAUSE_FIRST_MS 500
#define PAUSE_MAX_MS 2000 /* a board waits for some seconds only */

/* The latest entry of a type; its bytes must outlive it. */
static bool latest(struct signer *s, enum entry_type type, uint8_t **ret_data,
		   struct entry *ret_entry, struct err *e)
{
	size_t len;

	return ledger_latest(s->ledger, type, ret_data, &len, e) &&
	       entry_decode(bytes_of(*ret_data, len), ret_entry, e);
}

bool keeper_ca(struct signer *s, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	struct entry entry;

	if (!latest(s, ENTRY_CA, &data, &entry, e)) {
		if (e->code == ERR_NOT_FOUND)
			err_set(e, ERR_NOT_FOUND,
				"there is no CA certificate yet; run: imprint ca create, or "
				"imprint ca import");
		return false;
	}
	return ca_load(entry.certificate, entry.chain, CA_ANY_TIME, &s->ca, e);
}

static bool public_of(const struct ca *ca, uint8_t *ret_spki, size_t size, size_t *ret_len,
		      struct err *e)
{
	uint8_t *at = ret_spki;
	int len = i2d_PUBKEY(ca->key, NULL);

	if (len <= 0 || (size_t)len > size || i2d_PUBKEY(ca->key, &at) != len)
		return err_set(e, ERR_INVALID, "the CA certificate's public key cannot be encoded");
	*ret_len = (size_t)len;
	return true;
}

bool keeper_keys(struct signer *s, struct token *token, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	uint8_t spki[CSR_SPKI_MAX];
	struct entry entry;
	size_t len;

	if (!public_of(s->ca, spki, sizeof(spki), &len, e) ||
	    !token_key(token, bytes_of(spki, len), &s->ca->signer, e))
		return err_add(e, "the CA key");
	if (!latest(s, ENTRY_LEDGER, &data, &entry, e) ||
	    !token_key(token, entry.key, &s->head_key, e))
		return err_add(e, "the key of the ledger's heads");
	return true;
}

static void hung(int number)
{
	static const char line[] = "<2>" KEEPER_HUNG "\n";

	(void)number;
	_exit(write(STDERR_FILENO, line, strlen(line)) < 0 ? 2 : 1);
}

void keeper_limit(unsigned seconds)
{
	signal(SIGALRM, hung);
	alarm(seconds);
}

bool keeper_open(struct signer *s, struct err *e)
{
	AUTO(token) token = NULL;
	bool opened;

	if (!s->ca && !keeper_ca(s, e))
		return false;
	keeper_limit(KEEPER_HUNG_S);
	opened = token_open(&s->settings.token, &token, e) && keeper_keys(s, token, e);
	keeper_limit(0);
	if (!opened)
		return false;
	s->token = TAKE(token);
	s->token_pause_ms = PAUSE_FIRST_MS;
	*s->token_trouble = '\0';
	return true;
}

void keeper_lost(struct signer *s, const struct err *why)
{
	if (*s->token_trouble)
		return;
	snprintf(s->token_trouble, sizeof(s->token_trouble), "%s", why->text);
	s->token_retry_ms = clock_deadline(0);
	log_event(LOG_ERR, "token lost, boards wait", "reason=\"%s\"", why->text);
}

void keeper_turn(struct signer *s)
{
	struct err e;

	if (!*s->token_trouble || pool_busy(s->pool) || clock_monotonic_ms() < s->token_retry_ms)
		return;
	keeper_limit(KEEPER_HUNG_S);
	if (s->token)
		token_close(s->token);
	s->token = NULL;
	s->ca->signer = s->head_key = NULL;
	if (keeper_open(s, &e)) {
		log_event(LOG_NOTICE, "token is back", "");
		return;
	}
	if (strcmp(s->token_trouble, e.text) != 0) /* else it was said */
		log_event(LOG_ERR, "token cannot be reopened", "reason=\"%s\"", e.text);
	snprintf(s->token_trouble, sizeof(s->token_trouble), "%s", e.text);
	s->token_retry_ms = clock_deadline(s->token_pause_ms);
	s->token_pause_ms =
		s->token_pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : s->token_pause_ms * 2;
}
