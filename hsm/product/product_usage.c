#include "hsm/product/product_usage.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define NO_CA "a product must not make CA certificates"
#define NO_RESPONDER "a board must not answer for the CA which certificates are revoked"
#define NO_ANY "it allows everything: name each use"

struct usage {
	const char *name;
	int value;	     /* a KU_… bit, or a NID */
	const char *refused; /* why */
};

static const struct usage key_usages[] = {
	{ "digitalSignature", KU_DIGITAL_SIGNATURE, NULL },
	{ "nonRepudiation", KU_NON_REPUDIATION, NULL },
	{ "contentCommitment", KU_NON_REPUDIATION, NULL },
	{ "keyEncipherment", KU_KEY_ENCIPHERMENT, NULL },
	{ "dataEncipherment", KU_DATA_ENCIPHERMENT, NULL },
	{ "keyAgreement", KU_KEY_AGREEMENT, NULL },
	{ "encipherOnly", KU_ENCIPHER_ONLY, NULL },
	{ "decipherOnly", KU_DECIPHER_ONLY, NULL },
	{ "keyCertSign", KU_KEY_CERT_SIGN, NO_CA },
	{ "cRLSign", KU_CRL_SIGN, NO_CA },
};

static const struct usage extended_usages[] = {
	{ "clientAuth", NID_client_auth, NULL },
	{ "serverAuth", NID_server_auth, NULL },
	{ "codeSigning", NID_code_sign, NULL },
	{ "emailProtection", NID_email_protect, NULL },
	{ "timeStamping", NID_time_stamp, NULL },
	{ "OCSPSigning", NID_OCSP_sign, NO_RESPONDER },
	{ "anyExtendedKeyUsage", NID_anyExtendedKeyUsage, NO_ANY },
};

static bool refuse_unknown(const char *name, const struct usage *table, size_t count,
			   const char *also, struct err *e)
{
	char allowed[256] = "";

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(allowed);

		if (!table[i].refused)
			snprintf(allowed + len, sizeof(allowed) - len, "%s%s", len ? ", " : "",
				 table[i].name);
	}
	return err_set(e, ERR_INVALID, "\"%.64s\" is unknown; allowed here: %s%s", name, allowed,
		       also);
}

static bool refuse(const char *name, const char *why, struct err *e)
{
	return err_set(e, ERR_INVALID, "%.64s is refused: %s", name, why);
}

bool product_usage_key(const char *name, uint32_t *ret_bit, struct err *e)
{
	for (size_t i = 0; i < COUNT(key_usages); i++) {
		if (strcmp(key_usages[i].name, name) != 0)
			continue;
		if (key_usages[i].refused)
			return refuse(name, key_usages[i].refused, e);
		*ret_bit = (uint32_t)key_usages[i].value;
		return true;
	}
	return refuse_unknown(name, key_usages, COUNT(key_usages), "", e);
}

/* Digits and dots, at least three numbers, which libcrypto can encode. */
static bool is_dotted(const char *name, int *ret_nid)
{
	ASN1_OBJECT *object;
	bool good;

	if (strspn(name, "0123456789.") != strlen(name) || !strchr(name, '.') ||
	    strchr(name, '.') == strrchr(name, '.') || strstr(name, ".."))
		return false;
	object = OBJ_txt2obj(name, 1);
	ERR_clear_error();
	good = object && OBJ_length(object) > 0;
	*ret_nid = object ? OBJ_obj2nid(object) : NID_undef;
	ASN1_OBJECT_free(object);
	return good;
}

bool product_usage_extended(const char *name, struct err *e)
{
	int nid = NID_undef;
	bool dotted = is_dotted(name, &nid);

	for (size_t i = 0; i < COUNT(extended_usages); i++) {
		const struct usage *usage = &extended_usages[i];

		if (strcmp(usage->name, name) != 0 && !(dotted && usage->value == nid))
			continue;
		return !usage->refused || refuse(name, usage->refused, e);
	}
	return dotted || refuse_unknown(name, extended_usages, COUNT(extended_usages),
					", none, or an OID such as 1.3.6.1.5.5.7.3.2", e);
}
