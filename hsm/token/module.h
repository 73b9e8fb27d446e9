/* module: the PKCS#11 module (.so) called without libp11 between, for what libp11 cannot do: making
 * keys, reading attributes, logging in without keeping the PIN. It runs beside libp11 in the same
 * process: dlopen gives the same instance, session and object handles are the token's own, and the
 * login is shared. libp11 (or token_init_soft) alone initialises and finalises. Errors: ERR_TOKEN
 * with what the token answered, ERR_PIN, ERR_INVALID for a file that is no module. Threads: as the
 * token's. Layer above: token. Below: the module. Source: PKCS#11 v2.40. */
#ifndef HSM_MODULE_H
#define HSM_MODULE_H

#include "base/bytes.h"
#include "base/err.h"

#include <p11-kit/pkcs11.h>

struct module {
	void *handle;
	CK_FUNCTION_LIST *call;
};

MUST_CHECK bool module_load(const char *path, struct module *ret_module, struct err *e);
void module_unload(struct module *m);

/* Says what the token answered to an attempt ("cannot sign: …"). Always returns false. */
bool module_error(CK_RV answer, const char *doing, struct err *e);

/* One attribute; *ret_len is the room before and the length after. False if the object does not
 * have it or will not show it. */
bool module_attribute(struct module *m, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
		      CK_ATTRIBUTE_TYPE type, void *ret_value, size_t *ret_len);

/* The objects of a class with that CKA_ID (empty: with any), at most `room`. */
MUST_CHECK bool module_find(struct module *m, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
			    struct bytes id, CK_OBJECT_HANDLE *ret_objects, size_t room,
			    size_t *ret_count, struct err *e);

#endif
