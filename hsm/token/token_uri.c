#include "hsm/token/token_uri.h"

#include "base/hex.h"

#define SCHEME "pkcs11:"

/* One attribute's value, from after "=" to its separator, %xx decoded. */
static bool decode(const char *text, size_t len, char *ret_text, size_t size)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (text[i] == '%') {
			char digits[3] = "";

			memcpy(digits, text + i + 1, len - i > 2 ? 2 : 0);
			if (!hex_decode(digits, &byte, 1))
				return false;
			i += 2;
		}
		if (byte < 0x20 || byte == 0x7f || out + 1 == size)
			return false;
		ret_text[out++] = (char)byte;
	}
	ret_text[out] = '\0';
	return out > 0;
}

static bool take(const char *attribute, size_t len, struct token_config *config, struct err *e)
{
	const struct {
		const char *name;
		char *value;
		size_t size;
	} known[] = {
		{ "token=", config->label, sizeof(config->label) },
		{ "module-path=", config->module, sizeof(config->module) },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		size_t name_len = strlen(known[i].name);

		if (len < name_len || memcmp(attribute, known[i].name, name_len) != 0)
			continue;
		return decode(attribute + name_len, len - name_len, known[i].value,
			      known[i].size) ||
		       err_set(e, ERR_USAGE,
			       "\"%.*s\" in the token's URI is empty, too long or wrong", (int)len,
			       attribute);
	}
	return err_set(e, ERR_USAGE,
		       "\"%.*s\" in the token's URI is not understood; allowed are token and "
		       "module-path (the PIN: --pin-file)",
		       (int)strnlen(attribute, strcspn(attribute, "=;&?")), attribute);
}

bool token_uri(const char *text, struct token_config *config, struct err *e)
{
	const char *at = text + strlen(SCHEME);
	size_t len;

	if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
		return err_set(e, ERR_USAGE,
			       "\"%.64s\" is neither \"soft\" nor a URI such as "
			       "pkcs11:token=LABEL?module-path=/usr/lib/x.so",
			       text);
	for (config->label[0] = '\0'; *at; at += len + (at[len] != '\0')) {
		len = strcspn(at, ";?&");
		if (len > 0 && !take(at, len, config, e))
			return false;
	}
	return config->label[0] ||
	       err_set(e, ERR_USAGE, "the token's URI does not name the token: add token=LABEL");
}
