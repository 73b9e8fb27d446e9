#include "hsm/token/token_inside.h"

#include "hsm/x509/crypto.h"
#include "base/log.h"
#include "hsm/token/pin.h"
#include "hsm/token/pin_mark.h"

#include <assert.h>
#include <stdatomic.h>

/* A second libp11 context would finalise the module under the first one. */
static atomic_bool in_use;

bool token_error(const char *doing, struct err *e)
{
	CK_RV answer = CKR_OK;
	unsigned long entry;

	while ((entry = ERR_get_error()) != 0)
		if (answer == CKR_OK && ERR_GET_LIB(entry) == ERR_get_CKR_code())
			answer = (CK_RV)ERR_GET_REASON(entry);
	if (answer != CKR_OK)
		return module_error(answer, doing, e);
	return err_set(e, ERR_TOKEN, "cannot %s: the token gives no reason", doing);
}

static bool load(struct token *t, struct err *e)
{
	if (!module_load(t->config.module, &t->module, e))
		return false;
	t->context = PKCS11_CTX_new();
	if (!t->context)
		return err_set(e, ERR_SYSTEM, "no memory for the token");
	if (t->config.init_args[0])
		PKCS11_CTX_init_args(t->context, t->config.init_args);
	if (PKCS11_CTX_load(t->context, t->config.module) != 0)
		return token_error("start the PKCS#11 module", e);
	t->context_loaded = true;
	return true;
}

static bool find_slot(struct token *t, struct err *e)
{
	/* With no slot at all libp11 fails without a reason. */
	if (PKCS11_enumerate_slots(t->context, &t->slots, &t->slot_count) != 0 &&
	    ERR_peek_error() != 0)
		return token_error("look for the token", e);
	for (unsigned i = 0; i < t->slot_count; i++) {
		const PKCS11_TOKEN *token = t->slots[i].token;

		if (!token || !token->initialized || strcmp(token->label, t->config.label) != 0)
			continue;
		if (t->slot)
			return err_set(e, ERR_TOKEN, "there are two tokens named %s: remove one",
				       t->config.label);
		t->slot = &t->slots[i];
	}
	return t->slot ||
	       err_set(e, ERR_TOKEN,
		       "no token named %s is there: plug it in, or correct token.label in "
		       "signer.yaml",
		       t->config.label);
}

/* libp11 waits for ever if the first session cannot be opened, so we open all that will be needed
 * before it may try; one of them stays. */
static bool open_sessions(struct token *t, struct err *e)
{
	CK_SESSION_HANDLE sessions[TOKEN_SESSIONS_MAX + 1];
	CK_SLOT_ID slot = PKCS11_get_slotid_from_slot(t->slot);
	CK_RV answer = CKR_OK;
	size_t count = 0;

	while (answer == CKR_OK && count <= t->config.sessions) {
		answer = t->module.call->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL,
						       &sessions[count]);
		count += answer == CKR_OK;
	}
	for (size_t i = answer == CKR_OK ? 1 : 0; i < count; i++)
		t->module.call->C_CloseSession(sessions[i]);
	if (answer != CKR_OK)
		return module_error(answer, "open a session of the token", e);
	t->session = sessions[0];
	return true;
}

/* Before the token is touched at all. */
static bool pin_is_new(struct token *t, struct err *e)
{
	struct bytes pin;
	bool is_new;

	if (!pin_mark_exists(t->config.pin_mark))
		return true;
	if (!pin_read(t->config.pin_file, &pin, e))
		return false;
	is_new = pin_mark_check(t->config.pin_mark, pin, e);
	pin_release();
	return is_new;
}

static void mark_pin(struct token *t, struct bytes pin)
{
	struct err e;

	if (!pin_mark_set(t->config.pin_mark, pin, &e))
		log_event(LOG_ERR, "that the PIN was refused could not be kept", "reason=\"%s\"",
			  e.text);
}

/* Raw, for libp11 would keep a copy of the PIN. */
static bool log_in(struct token *t, struct err *e)
{
	struct bytes pin;
	CK_RV answer;

	if (!pin_read(t->config.pin_file, &pin, e))
		return false;
	answer = t->module.call->C_Login(t->session, CKU_USER, (CK_UTF8CHAR *)pin.data, pin.len);
	if (answer == CKR_USER_ALREADY_LOGGED_IN)
		answer = CKR_OK;
	if (answer == CKR_OK)
		pin_mark_clear(t->config.pin_mark);
	else if (!module_error(answer, "log in to the token", e) && e->code == ERR_PIN)
		mark_pin(t, pin);
	pin_release();
	return answer == CKR_OK;
}

bool token_open(const struct token_config *config, struct token **ret_token, struct err *e)
{
	AUTO(token) t = calloc(1, sizeof(*t));
	bool another;

	if (!t)
		return err_set(e, ERR_SYSTEM, "no memory for the token");
	another = atomic_exchange(&in_use, true);
	assert(!another);
	t->config = *config;
	if (t->config.sessions < 1 || t->config.sessions > TOKEN_SESSIONS_MAX)
		t->config.sessions = 1;
	sem_init(&t->free_sessions, 0, t->config.sessions);
	if (!pin_is_new(t, e) || !token_keep(e) || !load(t, e) || !find_slot(t, e) ||
	    !open_sessions(t, e) || !log_in(t, e))
		return err_add(e, "token %s", config->label);
	ERR_clear_error(); /* SoftHSM leaves its own attempts to load an engine */
	*ret_token = TAKE(t);
	return true;
}

/* In this order: a token may keep what its client did not close. */
void token_close(struct token *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->key_count; i++) {
		EVP_PKEY_free(t->keys[i].private);
		EVP_PKEY_free(t->keys[i].public);
	}
	if (t->session)
		t->module.call->C_CloseSession(t->session);
	if (t->slots)
		PKCS11_release_all_slots(t->context, t->slots, t->slot_count);
	if (t->context_loaded)
		PKCS11_CTX_unload(t->context);
	if (t->context)
		PKCS11_CTX_free(t->context);
	module_unload(&t->module);
	ERR_clear_error();
	sem_destroy(&t->free_sessions);
	free(t);
	atomic_store(&in_use, false);
}
