#include "hsm/token/token_inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "hsm/x509/crypto.h"
#include "hsm/token/spki.h"

#include <assert.h>
#include <errno.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#define REMEDY "is it this station's token? Put it, or its backup, back"
#define CHALLENGE_LEN 32
#define TRIALS_MAX 64	  /* keys that are tried for a public key whose CKA_ID is not ours */
#define TWINS_MAX 16	  /* private keys with one CKA_ID: each must pass */
#define WARM_SIGNATURES 4 /* by each thread of the warm-up */

/* What a private key must be. A token that does not show an attribute cannot be trusted with it;
 * LOCAL is only reported, for some tokens deny it of keys that they made. */
static const struct gate {
	CK_ATTRIBUTE_TYPE type;
	const char *name;
	CK_BBOOL wanted;
	bool must_show, only_warn;
} gates[] = {
	{ CKA_EXTRACTABLE, "CKA_EXTRACTABLE", CK_FALSE, true, false },
	{ CKA_SENSITIVE, "CKA_SENSITIVE", CK_TRUE, true, false },
	{ CKA_NEVER_EXTRACTABLE, "CKA_NEVER_EXTRACTABLE", CK_TRUE, true, false },
	{ CKA_PRIVATE, "CKA_PRIVATE", CK_TRUE, false, false },
	{ CKA_ALWAYS_AUTHENTICATE, "CKA_ALWAYS_AUTHENTICATE", CK_FALSE, false, false },
	{ CKA_LOCAL, "CKA_LOCAL", CK_TRUE, false, true },
};

bool token_id(struct bytes spki, uint8_t ret_id[static TOKEN_ID_LEN], struct err *e)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	if (!SHA256(spki.data, spki.len, hash))
		return crypto_failed("hash a public key", e);
	memcpy(ret_id, hash, TOKEN_ID_LEN);
	return true;
}

static bool pass_gate(struct token *t, CK_OBJECT_HANDLE object, const struct gate *gate,
		      struct err *e)
{
	CK_BBOOL value = CK_FALSE;
	size_t len = sizeof(value);
	bool shown = module_attribute(&t->module, t->session, object, gate->type, &value, &len) &&
		     len == sizeof(value);

	if (shown ? value == gate->wanted : !gate->must_show)
		return true;
	if (gate->only_warn) {
		log_event(LOG_WARNING, "the token does not claim to have made its key",
			  "attribute=%s", gate->name);
		return true;
	}
	return err_set(e, ERR_REFUSED,
		       "the key in token %s is not fit for a CA: %s is %s; make a new one with "
		       "imprint ca create",
		       t->config.label, gate->name,
		       !shown  ? "not shown"
		       : value ? "true"
			       : "false");
}

/* Every private key of that CKA_ID, for libp11 does not say which of them it took. */
static bool pass_gates(struct token *t, const PKCS11_KEY *key, struct err *e)
{
	CK_OBJECT_HANDLE objects[TWINS_MAX];
	size_t count;

	if (!module_find(&t->module, t->session, CKO_PRIVATE_KEY, bytes_of(key->id, key->id_len),
			 objects, TWINS_MAX, &count, e))
		return false;
	if (count == 0 || count == TWINS_MAX)
		return err_set(e, ERR_REFUSED,
			       "token %s has %s private keys of one CKA_ID; " REMEDY,
			       t->config.label, count ? "too many" : "no visible");
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < sizeof(gates) / sizeof(*gates); j++)
			if (!pass_gate(t, objects[i], &gates[j], e))
				return false;
	return true;
}

static bool look(struct token *t, struct err *e)
{
	if (!t->looked && PKCS11_enumerate_keys(t->slot->token, &t->found, &t->found_count) != 0)
		return token_error("list the keys in the token", e);
	t->looked = true;
	return true;
}

/* There is a free place: the semaphore counted. */
static _Atomic(int64_t) *note_begin(struct token *t)
{
	int64_t now_ms = clock_monotonic_ms();
	size_t i = 0;

	for (int64_t none = 0; !atomic_compare_exchange_strong(&t->since_ms[i], &none, now_ms);
	     none = 0)
		i = (i + 1) % TOKEN_SESSIONS_MAX;
	return &t->since_ms[i];
}

int64_t token_oldest_ms(const struct token *t)
{
	int64_t now_ms = clock_monotonic_ms(), oldest_ms = 0;

	for (size_t i = 0; i < TOKEN_SESSIONS_MAX; i++) {
		int64_t since_ms = atomic_load(&t->since_ms[i]);

		if (since_ms && now_ms - since_ms > oldest_ms)
			oldest_ms = now_ms - since_ms;
	}
	return oldest_ms;
}

bool token_sign(struct token_key *key, struct bytes data, uint8_t *ret_signature, size_t *ret_len,
		struct err *e)
{
	AUTO(EVP_MD_CTX) context = EVP_MD_CTX_new();
	uint8_t signature[TOKEN_SIGNATURE_MAX];
	size_t len = sizeof(signature);
	_Atomic(int64_t) *since_ms;
	bool done;

	if (!context)
		return err_set(e, ERR_SYSTEM, "no memory to sign");
	while (sem_wait(&key->token->free_sessions) < 0 && errno == EINTR)
		;
	since_ms = note_begin(key->token);
	ERR_clear_error();
	done = EVP_DigestSignInit(context, NULL, spki_hash(key->type), NULL, key->private) == 1 &&
	       EVP_DigestSign(context, signature, &len, data.data, data.len) == 1;
	atomic_store(since_ms, 0);
	sem_post(&key->token->free_sessions);
	if (!done)
		return token_error("sign", e);
	memcpy(ret_signature, signature, len);
	*ret_len = len;
	return true;
}

static bool verify(const struct token_key *key, struct bytes data, struct bytes signature)
{
	AUTO(EVP_MD_CTX) context = EVP_MD_CTX_new();
	bool good =
		context &&
		EVP_DigestVerifyInit(context, NULL, spki_hash(key->type), NULL, key->public) == 1 &&
		EVP_DigestVerify(context, signature.data, signature.len, data.data, data.len) == 1;

	ERR_clear_error();
	return good;
}

/* Signs something and looks whether it was with the right key: libp11 cannot tell, it believes the
 * first public key of the same CKA_ID. ERR_REFUSED if it was not. */
static bool self_test(struct token_key *key, struct err *e)
{
	uint8_t challenge[CHALLENGE_LEN], signature[TOKEN_SIGNATURE_MAX];
	size_t len;

	if (RAND_bytes(challenge, sizeof(challenge)) != 1)
		return crypto_failed("draw random bytes", e);
	if (!token_sign(key, BYTES(challenge), signature, &len, e))
		return false;
	return verify(key, BYTES(challenge), bytes_of(signature, len)) ||
	       err_set(e, ERR_REFUSED,
		       "the key in token %s does not match its public key: it signs, but the "
		       "signature does not verify; " REMEDY,
		       key->token->config.label);
}

/* True if the key in the token is the one for key->public, which then signs with it. */
static bool try_key(struct token_key *key, PKCS11_KEY *candidate, struct err *e)
{
	key->private = PKCS11_get_private_key(candidate);
	if (!key->private)
		return token_error("use a key in the token", e);
	if (EVP_PKEY_get_base_id(key->private) == EVP_PKEY_get_base_id(key->public) &&
	    EVP_PKEY_get_bits(key->private) == EVP_PKEY_get_bits(key->public)) {
		if (self_test(key, e))
			return true;
	} else {
		err_set(e, ERR_REFUSED,
			"the key in token %s is of another type than its public key; " REMEDY,
			key->token->config.label);
	}
	EVP_PKEY_free(TAKE(key->private));
	ERR_clear_error();
	return false;
}

/* By CKA_ID; then, for keys that others made, by trying each. */
static bool find_key(struct token_key *key, struct bytes id, PKCS11_KEY **ret_found, struct err *e)
{
	struct token *t = key->token;
	struct err ignored;
	unsigned trials = 0;
	bool named = false;

	for (unsigned i = 0; i < t->found_count; i++) {
		if (!bytes_equal(bytes_of(t->found[i].id, t->found[i].id_len), id))
			continue;
		*ret_found = &t->found[i];
		if (try_key(key, &t->found[i], e))
			return true;
		named = true;
	}
	for (unsigned i = 0; !named && i < t->found_count && trials < TRIALS_MAX; i++, trials++) {
		*ret_found = &t->found[i];
		if (try_key(key, &t->found[i], &ignored))
			return true;
	}
	return named ? false
		     : err_set(e, ERR_NOT_FOUND,
			       "token %s holds no key for this public key; " REMEDY,
			       t->config.label);
}

struct warm_up {
	struct token_key *key;
	pthread_rwlock_t gate; /* held for writing until every thread is there */
};

static void *warm_up(void *argument)
{
	static const uint8_t nothing[CHALLENGE_LEN];
	struct warm_up *warm = argument;
	uint8_t signature[TOKEN_SIGNATURE_MAX];
	struct err ignored;
	size_t len;

	pthread_rwlock_rdlock(&warm->gate);
	for (int i = 0; i < WARM_SIGNATURES; i++)
		if (!token_sign(warm->key, BYTES(nothing), signature, &len, &ignored))
			break;
	pthread_rwlock_unlock(&warm->gate);
	return NULL;
}

/* Makes libp11 open its sessions now, by signing in as many threads at once. The self-test has
 * opened one, so nobody can wait for ever; a thread or session less costs speed only. */
static void open_pool(struct token_key *key)
{
	struct warm_up warm = { .key = key, .gate = PTHREAD_RWLOCK_INITIALIZER };
	pthread_t threads[TOKEN_SESSIONS_MAX];
	unsigned wanted = key->token->config.sessions, count = 0;

	if (wanted == 1)
		return;
	pthread_rwlock_wrlock(&warm.gate);
	while (count < wanted && pthread_create(&threads[count], NULL, warm_up, &warm) == 0)
		count++;
	pthread_rwlock_unlock(&warm.gate);
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_rwlock_destroy(&warm.gate);
}

bool token_key(struct token *t, struct bytes spki, struct token_key **ret_key, struct err *e)
{
	struct token_key *key = &t->keys[t->key_count];
	uint8_t id[TOKEN_ID_LEN];
	PKCS11_KEY *found = NULL;
	struct spki parsed;

	assert(t->key_count < TOKEN_KEYS_MAX);
	*key = (struct token_key) { .token = t };
	if (!spki_parse(spki, &parsed, e) || !token_id(spki, id, e) || !look(t, e) ||
	    !spki_key(&parsed, &key->public, e))
		return false;
	key->type = parsed.type;
	if (!find_key(key, BYTES(id), &found, e) || !pass_gates(t, found, e)) {
		EVP_PKEY_free(key->private);
		EVP_PKEY_free(key->public);
		return false;
	}
	t->key_count++;
	open_pool(key);
	*ret_key = key;
	return true;
}

EVP_PKEY *token_public(const struct token_key *key)
{
	return key->public;
}

struct bytes token_algorithm(const struct token_key *key)
{
	return spki_algorithm(key->type);
}

enum token_key_type token_type(const struct token_key *key)
{
	return key->type;
}
