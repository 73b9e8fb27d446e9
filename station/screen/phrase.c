#include "station/screen/phrase.h"

#include <stdarg.h>
#include <string.h>

#define HOLES_MAX 9

#define PHRASE(id, width, english, german, japanese, chinese)                                      \
	[PHRASE_##id] = { width, { english, german, japanese, chinese } },
static const struct {
	int room;
	const char *texts[LANGUAGE_COUNT];
} phrases[PHRASE_COUNT] = {
#include "station/screen/phrase_list.h"
};
#undef PHRASE

static const struct {
	const char *code;
	enum phrase reason, remedy;
} codes[] = {
	{ "F10", PHRASE_F10, PHRASE_F10_DO },
	{ "F11", PHRASE_F11, PHRASE_F11_DO },
	{ "F12", PHRASE_F12, PHRASE_F12_DO },
	{ "F13", PHRASE_F13, PHRASE_F13_DO },
	{ "F14", PHRASE_F14, PHRASE_F14_DO },
	{ "F15", PHRASE_F15, PHRASE_F15_DO },
	{ "F21", PHRASE_F21, PHRASE_F21_DO },
	{ "F22", PHRASE_F22, PHRASE_F22_DO },
	{ "F30", PHRASE_F30, PHRASE_F30_DO },
	{ "F31", PHRASE_F31, PHRASE_F31_DO },
	{ "F32", PHRASE_F32, PHRASE_F32_DO },
	{ "F33", PHRASE_F33, PHRASE_F33_DO },
	{ "csr", PHRASE_CSR, PHRASE_CSR_DO },
	{ "key-type", PHRASE_KEY_TYPE, PHRASE_F14_DO },
	{ "unit-text", PHRASE_UNIT_TEXT, PHRASE_UNIT_TEXT_DO },
	{ "unit-other-key", PHRASE_UNIT_OTHER_KEY, PHRASE_UNIT_OTHER_KEY_DO },
	{ "key-other-unit", PHRASE_KEY_OTHER_UNIT, PHRASE_KEY_OTHER_UNIT_DO },
	{ "key-revoked", PHRASE_KEY_REVOKED, PHRASE_KEY_REVOKED_DO },
	{ "rekey-limit", PHRASE_REKEY_LIMIT, PHRASE_UNIT_OTHER_KEY_DO },
	{ "order-unit", PHRASE_ORDER_UNIT, PHRASE_ORDER_UNIT_DO },
	{ "proof", PHRASE_F33, PHRASE_F33_DO },
	{ "aborted", PHRASE_ABORTED_WHY, PHRASE_ABORTED_DO },
	{ "interrupted", PHRASE_INTERRUPTED, PHRASE_INTERRUPTED_DO },
	{ "tries", PHRASE_TRIES, PHRASE_NO_TRY },
	{ "golden", PHRASE_GOLDEN_ONLY, PHRASE_GOLDEN_ONLY_DO },
	{ "label", PHRASE_LABEL, PHRASE_LABEL_DO },
	{ "no-label", PHRASE_SAID_SCAN, PHRASE_NO_LABEL_DO },
	{ "unit-installed", PHRASE_UNIT_INSTALLED, PHRASE_UNIT_OTHER_KEY_DO },
	{ "busy", PHRASE_BUSY, PHRASE_DISK_DO },
	{ "settings", PHRASE_SETTINGS, PHRASE_DISK_DO },
	{ "product", PHRASE_SETTINGS, PHRASE_DISK_DO },
	{ "ca", PHRASE_SETTINGS, PHRASE_DISK_DO },
	{ "permission", PHRASE_SETTINGS, PHRASE_DISK_DO },
	{ "system", PHRASE_SYSTEM, PHRASE_DISK_DO },
	{ "request", PHRASE_SYSTEM, PHRASE_DISK_DO },
	{ "unknown", PHRASE_SYSTEM, PHRASE_DISK_DO },
	{ "state", PHRASE_SYSTEM, PHRASE_DISK_DO },
	{ "nonce", PHRASE_SYSTEM, PHRASE_ABORTED_DO },
	{ "failed", PHRASE_SYSTEM, PHRASE_DISK_DO },
	{ "order-unknown", PHRASE_ORDER_NONE, PHRASE_ORDER_NONE_DO },
	{ "order-exists", PHRASE_SYSTEM, PHRASE_DISK_DO },
	{ "order-none", PHRASE_ORDER_NONE, PHRASE_ORDER_NONE_DO },
	{ "order-quota", PHRASE_ORDER_QUOTA, PHRASE_ORDER_NONE_DO },
	{ "order-late", PHRASE_ORDER_LATE, PHRASE_ORDER_NONE_DO },
	{ "order-closed", PHRASE_ORDER_LATE, PHRASE_ORDER_NONE_DO },
	{ "signer", PHRASE_SIGNER, PHRASE_SIGNER_DO },
	{ "token", PHRASE_TOKEN, PHRASE_SIGNER_DO },
	{ "clock", PHRASE_CLOCK, PHRASE_CLOCK_DO },
	{ "disk", PHRASE_DISK, PHRASE_DISK_DO },
	{ "ledger-disk", PHRASE_DISK, PHRASE_DISK_DO },
	{ "signing", PHRASE_SAID_BLOCKED, PHRASE_SIGNER_DO },
	{ "nest-stopped", PHRASE_NEST_STOPPED, PHRASE_NEST_STOPPED_DO },
	{ "jig-stop", PHRASE_SAID_STOPPED, PHRASE_NEXT_RESET },
	{ "order-low", PHRASE_ORDER_LOW, PHRASE_ORDER_NONE_DO },
	{ "order-used", PHRASE_ORDER_QUOTA, PHRASE_ORDER_NONE_DO },
	{ "ca-ends", PHRASE_CA_ENDS, PHRASE_CA_ENDS_DO },
	{ "record", PHRASE_RECORD, PHRASE_DISK_DO },
	{ "golden-due", PHRASE_SAID_GOLDEN, PHRASE_NEXT_GOLDEN },
	{ "golden-fail", PHRASE_GOLDEN_FAIL, PHRASE_GOLDEN_FAIL_DO },
};

static const struct {
	const char *tag, *name;
} languages[LANGUAGE_COUNT] = {
	[ENGLISH] = { "en", "English" },
	[GERMAN] = { "de", "Deutsch" },
	[JAPANESE] = { "ja", "日本語" },
	[CHINESE] = { "zh", "中文" },
};

const char *phrase(enum language language, enum phrase id)
{
	return phrases[id].texts[language];
}

int phrase_room(enum phrase id)
{
	return phrases[id].room;
}

static void append(char *text, size_t *len, const char *more, size_t more_len)
{
	if (more_len > PHRASE_SIZE - 1 - *len)
		more_len = PHRASE_SIZE - 1 - *len;
	memcpy(text + *len, more, more_len);
	*len += more_len;
}

char *phrase_fill(char ret_text[static PHRASE_SIZE], enum language language, enum phrase id, ...)
{
	const char *holes[HOLES_MAX] = { "", "", "", "", "", "", "", "", "" };
	const char *from = phrase(language, id), *value;
	size_t len = 0;
	va_list list;

	va_start(list, id);
	for (size_t i = 0; i < HOLES_MAX && (value = va_arg(list, const char *)); i++)
		holes[i] = value;
	va_end(list);
	while (*from) {
		if (from[0] == '{' && from[1] >= '1' && from[1] <= '9' && from[2] == '}') {
			value = holes[from[1] - '1'];
			append(ret_text, &len, value, strlen(value));
			from += 3;
		} else {
			append(ret_text, &len, from++, 1);
		}
	}
	ret_text[len] = '\0';
	return ret_text;
}

enum phrase phrase_reason(const char *code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].code, code) == 0)
			return codes[i].reason;
	return PHRASE_COUNT;
}

enum phrase phrase_remedy(const char *code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].code, code) == 0)
			return codes[i].remedy;
	return PHRASE_COUNT;
}

const char *phrase_language_name(enum language language)
{
	return languages[language].name;
}

bool phrase_language_parse(const char *text, enum language *ret_language)
{
	for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
		if (strncmp(text, languages[i].tag, 2) == 0 && strchr("_.@-", text[2])) {
			*ret_language = (enum language)i;
			return true;
		}
	}
	return false;
}
