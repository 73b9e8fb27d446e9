#include "hsm/token/token_inside.h"

#include "hsm/x509/crypto.h"
#include "hsm/token/spki.h"

#include <assert.h>
#include <openssl/rand.h>

#define POINT_MAX 160
#define INTEGER_MAX 520
#define ATTRIBUTES_MAX 16

/* What C_GenerateKeyPair takes: the attributes, of which the last ones are wishes only. */
struct template
{
	CK_ATTRIBUTE list[ATTRIBUTES_MAX];
	CK_ULONG count, needed;
};

struct pair {
	CK_OBJECT_HANDLE public, private;
};

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE exponent[] = { 1, 0, 1 };

static void add(struct template *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	assert(t->count < ATTRIBUTES_MAX);
	t->list[t->count++] = (CK_ATTRIBUTE) { type, (void *)value, len };
}

static void add_flag(struct template *t, CK_ATTRIBUTE_TYPE type, CK_BBOOL *value)
{
	add(t, type, value, sizeof(*value));
}

static void add_name(struct template *t, const char *label, struct bytes id)
{
	add(t, CKA_LABEL, label, strlen(label));
	add(t, CKA_ID, id.data, id.len);
}

/* Said to be false because SoftHSM's defaults are true; other tokens do not know these for each
 * type of key. */
static void add_wishes(struct template *t, const CK_ATTRIBUTE_TYPE *types, size_t count)
{
	t->needed = t->count;
	for (size_t i = 0; i < count; i++)
		add_flag(t, types[i], &no);
}

static void public_template(struct template *t, enum token_key_type type, CK_ULONG *bits,
			    const char *label, struct bytes id)
{
	static const CK_ATTRIBUTE_TYPE wishes[] = { CKA_ENCRYPT, CKA_WRAP };
	struct bytes curve = spki_curve_oid(type);

	add_flag(t, CKA_TOKEN, &yes);
	add_flag(t, CKA_PRIVATE, &no);
	add_flag(t, CKA_VERIFY, &yes);
	add_name(t, label, id);
	if (spki_is_ec(type)) {
		add(t, CKA_EC_PARAMS, curve.data, curve.len);
	} else {
		*bits = spki_bits(type);
		add(t, CKA_MODULUS_BITS, bits, sizeof(*bits));
		add(t, CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent));
	}
	add_wishes(t, wishes, 2);
}

static void private_template(struct template *t, const char *label, struct bytes id)
{
	static const CK_ATTRIBUTE_TYPE wishes[] = { CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE };

	add_flag(t, CKA_TOKEN, &yes);
	add_flag(t, CKA_PRIVATE, &yes);
	add_flag(t, CKA_SENSITIVE, &yes);
	add_flag(t, CKA_EXTRACTABLE, &no);
	add_flag(t, CKA_SIGN, &yes);
	add_name(t, label, id);
	add_wishes(t, wishes, 3);
}

static bool dislikes_template(CK_RV answer)
{
	return answer == CKR_ATTRIBUTE_TYPE_INVALID || answer == CKR_ATTRIBUTE_VALUE_INVALID ||
	       answer == CKR_TEMPLATE_INCONSISTENT || answer == CKR_ATTRIBUTE_READ_ONLY;
}

static bool generate(struct token *t, CK_SESSION_HANDLE session, enum token_key_type type,
		     const char *label, struct bytes id, struct pair *ret_pair, struct err *e)
{
	CK_MECHANISM mechanism = { spki_is_ec(type) ? CKM_EC_KEY_PAIR_GEN
						    : CKM_RSA_PKCS_KEY_PAIR_GEN,
				   NULL, 0 };
	struct template public = { .count = 0 }, private = { .count = 0 };
	CK_ULONG bits;
	CK_RV answer;

	public_template(&public, type, &bits, label, id);
	private_template(&private, label, id);
	answer = t->module.call->C_GenerateKeyPair(session, &mechanism, public.list, public.count,
						   private.list, private.count, &ret_pair->public,
						   &ret_pair->private);
	if (dislikes_template(answer))
		answer = t->module.call->C_GenerateKeyPair(
			session, &mechanism, public.list, public.needed, private.list,
			private.needed, &ret_pair->public, &ret_pair->private);
	return answer == CKR_OK || module_error(answer, "make a key in the token", e);
}

/* CKA_EC_POINT is the DER of an OCTET STRING that holds the point; some tokens give the bare point.
 */
static bool read_point(struct token *t, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
		       enum token_key_type type, struct der_writer *w)
{
	uint8_t value[POINT_MAX];
	size_t len = sizeof(value);
	struct bytes point;

	if (!module_attribute(&t->module, session, object, CKA_EC_POINT, value, &len))
		return false;
	if (!der_only(bytes_of(value, len), DER_OCTET_STRING, &point))
		point = bytes_of(value, len);
	spki_write_ec(w, type, point);
	return true;
}

static bool read_modulus(struct token *t, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
			 struct der_writer *w)
{
	uint8_t modulus[INTEGER_MAX], public[INTEGER_MAX];
	size_t len = sizeof(modulus), public_len = sizeof(public);

	if (!module_attribute(&t->module, session, object, CKA_MODULUS, modulus, &len) ||
	    !module_attribute(&t->module, session, object, CKA_PUBLIC_EXPONENT, public,
			      &public_len))
		return false;
	spki_write_rsa(w, bytes_of(modulus, len), bytes_of(public, public_len));
	return true;
}

static bool read_public(struct token *t, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
			enum token_key_type type, struct der_writer *w, struct err *e)
{
	AUTO(EVP_PKEY) key = NULL;
	struct spki spki;
	bool read = spki_is_ec(type) ? read_point(t, session, object, type, w)
				     : read_modulus(t, session, object, w);

	if (!read || !der_ok(w))
		return err_set(e, ERR_TOKEN, "the token does not show the public key that it made");
	if (!spki_parse(der_written(w), &spki, e) || !spki_key(&spki, &key, e))
		return err_add(e, "the token made a key that cannot be used");
	return true;
}

/* A token that does not let the CKA_ID be changed keeps the random one; token_key then finds the
 * key by trying. */
static bool name_by_key(struct token *t, CK_SESSION_HANDLE session, const struct pair *pair,
			struct bytes spki, struct err *e)
{
	uint8_t id[TOKEN_ID_LEN];
	CK_ATTRIBUTE attribute = { CKA_ID, id, sizeof(id) };

	if (!token_id(spki, id, e))
		return false;
	if (t->module.call->C_SetAttributeValue(session, pair->private, &attribute, 1) == CKR_OK)
		t->module.call->C_SetAttributeValue(session, pair->public, &attribute, 1);
	return true;
}

static bool make(struct token *t, CK_SESSION_HANDLE session, enum token_key_type type,
		 const char *label, struct der_writer *w, struct err *e)
{
	uint8_t id[TOKEN_ID_LEN];
	struct pair pair;

	if (RAND_bytes(id, sizeof(id)) != 1)
		return crypto_failed("draw random bytes", e);
	if (!generate(t, session, type, label, BYTES(id), &pair, e))
		return false;
	if (read_public(t, session, pair.public, type, w, e) &&
	    name_by_key(t, session, &pair, der_written(w), e))
		return true;
	t->module.call->C_DestroyObject(session, pair.private);
	t->module.call->C_DestroyObject(session, pair.public);
	return false;
}

bool token_make_key(struct token *t, enum token_key_type type, const char *label, uint8_t *ret_spki,
		    size_t *ret_len, struct err *e)
{
	CK_SLOT_ID slot = PKCS11_get_slotid_from_slot(t->slot);
	uint8_t spki[SPKI_MAX];
	struct der_writer w = der_writer(spki, sizeof(spki));
	CK_SESSION_HANDLE session;
	CK_RV answer;
	bool made;

	assert(!t->looked); /* libp11 would not see it any more */
	answer = t->module.call->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
					       NULL, &session);
	if (answer != CKR_OK)
		return module_error(answer, "open a session of the token for writing", e);
	made = make(t, session, type, label, &w, e);
	t->module.call->C_CloseSession(session);
	if (!made)
		return err_add(e, "token %s", t->config.label);
	memcpy(ret_spki, spki, w.len);
	*ret_len = w.len;
	return true;
}
