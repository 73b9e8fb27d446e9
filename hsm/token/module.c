#include "hsm/token/module.h"

#include <dlfcn.h>
#include <stdio.h>

/* Answers that call for a different remedy than "reopen the token". */
static const struct answer {
	CK_RV value;
	enum err_code code;
	const char *meaning;
} answers[] = {
	{ CKR_PIN_INCORRECT, ERR_PIN,
	  "the token refused the PIN: correct the PIN file; it is not tried again by itself, for "
	  "many tokens lock after a few wrong tries" },
	{ CKR_PIN_INVALID, ERR_PIN,
	  "the PIN holds a character that the token does not allow: correct the PIN file" },
	{ CKR_PIN_LEN_RANGE, ERR_PIN,
	  "the PIN is too short or too long for the token: correct the PIN file" },
	{ CKR_PIN_EXPIRED, ERR_PIN,
	  "the PIN has expired: set a new one with the token's own tool" },
	{ CKR_PIN_LOCKED, ERR_PIN,
	  "the PIN is locked: unlock it with the security officer's PIN and the token's own tool" },
	{ CKR_USER_PIN_NOT_INITIALIZED, ERR_PIN,
	  "the token has no user PIN yet: set one with the token's own tool" },
	{ CKR_SESSION_COUNT, ERR_TOKEN,
	  "the token allows no more sessions: lower token.sessions in signer.yaml" },
	{ CKR_DEVICE_ERROR, ERR_TOKEN, "device error" },
	{ CKR_DEVICE_REMOVED, ERR_TOKEN, "the token was removed" },
	{ CKR_DEVICE_MEMORY, ERR_TOKEN, "the token is full" },
	{ CKR_TOKEN_NOT_PRESENT, ERR_TOKEN, "no token is present" },
	{ CKR_TOKEN_WRITE_PROTECTED, ERR_TOKEN, "the token is write-protected" },
	{ CKR_MECHANISM_INVALID, ERR_TOKEN, "the token does not know this kind of key" },
	{ CKR_OBJECT_HANDLE_INVALID, ERR_TOKEN, "the key is gone from the token" },
	{ CKR_KEY_HANDLE_INVALID, ERR_TOKEN, "the key is gone from the token" },
	{ CKR_SESSION_HANDLE_INVALID, ERR_TOKEN, "the token has closed the session" },
	{ CKR_USER_NOT_LOGGED_IN, ERR_TOKEN, "the token has ended the login" },
	{ CKR_CRYPTOKI_NOT_INITIALIZED, ERR_TOKEN, "the PKCS#11 module was shut down" },
};

bool module_error(CK_RV answer, const char *doing, struct err *e)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		if (answers[i].value == answer)
			return err_set(e, answers[i].code, "cannot %s: %s (CKR 0x%lx)", doing,
				       answers[i].meaning, answer);
	return err_set(e, ERR_TOKEN, "cannot %s: the token answers CKR 0x%lx", doing, answer);
}

bool module_load(const char *path, struct module *ret_module, struct err *e)
{
	struct module m = { .handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) };
	CK_C_GetFunctionList get;
	CK_RV answer;

	if (!m.handle)
		return err_set(e, ERR_INVALID,
			       "cannot load the PKCS#11 module (%s): install it, or correct "
			       "token.module in signer.yaml",
			       dlerror());
	get = (CK_C_GetFunctionList)dlsym(m.handle, "C_GetFunctionList");
	answer = get ? get(&m.call) : CKR_FUNCTION_FAILED;
	if (answer != CKR_OK || !m.call) {
		dlclose(m.handle);
		return err_set(e, ERR_INVALID,
			       "%s is no PKCS#11 module: correct token.module in signer.yaml",
			       path);
	}
	*ret_module = m;
	return true;
}

void module_unload(struct module *m)
{
	if (m->handle)
		dlclose(m->handle);
	*m = (struct module) { 0 };
}

bool module_attribute(struct module *m, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
		      CK_ATTRIBUTE_TYPE type, void *ret_value, size_t *ret_len)
{
	CK_ATTRIBUTE attribute = { type, ret_value, *ret_len };

	if (m->call->C_GetAttributeValue(session, object, &attribute, 1) != CKR_OK ||
	    attribute.ulValueLen > *ret_len)
		return false;
	*ret_len = attribute.ulValueLen;
	return true;
}

bool module_find(struct module *m, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
		 struct bytes id, CK_OBJECT_HANDLE *ret_objects, size_t room, size_t *ret_count,
		 struct err *e)
{
	CK_ATTRIBUTE wanted[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, (void *)id.data, id.len },
	};
	CK_ULONG count = 0;
	CK_RV answer = m->call->C_FindObjectsInit(session, wanted, id.len ? 2 : 1);

	if (answer == CKR_OK) {
		answer = m->call->C_FindObjects(session, ret_objects, room, &count);
		m->call->C_FindObjectsFinal(session);
	}
	if (answer != CKR_OK)
		return module_error(answer, "look for keys in the token", e);
	*ret_count = count;
	return true;
}
