#include "tests/rig/boards_trouble.h"

#include <stdlib.h>
#include <string.h>

enum argument {
	NO_ARGUMENT,
	NUMBER,
	NEST,
};

static const struct {
	const char *name;
	enum argument argument;
} kinds[] = {
	[KIND_NONE] = { "none", NO_ARGUMENT },
	[KIND_MUTE] = { "mute", NO_ARGUMENT },
	[KIND_GARBAGE] = { "garbage", NO_ARGUMENT },
	[KIND_BOOT_LOG] = { "boot-log", NO_ARGUMENT },
	[KIND_SLOW] = { "slow", NUMBER },
	[KIND_NOISE] = { "noise", NUMBER },
	[KIND_FLIP_IN] = { "flip-in", NUMBER },
	[KIND_FLIP_OUT] = { "flip-out", NUMBER },
	[KIND_RESET] = { "reset", NO_ARGUMENT },
	[KIND_RESET_ALWAYS] = { "reset-always", NO_ARGUMENT },
	[KIND_WRONG_UNIT] = { "wrong-unit", NO_ARGUMENT },
	[KIND_UNIT_CHANGED] = { "unit-changed", NO_ARGUMENT },
	[KIND_BAD_UNIT_TEXT] = { "bad-unit-text", NO_ARGUMENT },
	[KIND_SAME_KEY] = { "same-key", NEST },
	[KIND_FLASH_WEAK] = { "flash-weak", NO_ARGUMENT },
	[KIND_BAD_CSR] = { "bad-csr", NO_ARGUMENT },
	[KIND_SPOILT_CSR] = { "spoilt-csr", NO_ARGUMENT },
	[KIND_SWAP] = { "swap", NO_ARGUMENT },
	[KIND_BAD_PROOF] = { "bad-proof", NO_ARGUMENT },
	[KIND_ENDLESS_LINE] = { "endless-line", NO_ARGUMENT },
	[KIND_ENDLESS_LIST] = { "endless-list", NO_ARGUMENT },
	[KIND_ENDLESS_MAP] = { "endless-map", NO_ARGUMENT },
	[KIND_NESTED_MAPS] = { "nested-maps", NO_ARGUMENT },
	[KIND_NULL_PARAMETERS] = { "null-parameters", NO_ARGUMENT },
	[KIND_VERSION_1] = { "version-1", NO_ARGUMENT },
	[KIND_NO_HASH] = { "no-hash", NO_ARGUMENT },
	[KIND_LOSE] = { "lose", NUMBER },
	[KIND_QUIET] = { "quiet", NO_ARGUMENT },
	[KIND_LYING_LENGTH] = { "lying-length", NO_ARGUMENT },
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static bool parse_argument(enum argument wanted, const char *text, struct trouble *trouble)
{
	char *end;

	if (wanted == NO_ARGUMENT || *text == '\0' || strlen(text) >= sizeof(trouble->argument))
		return wanted == NO_ARGUMENT && *text == '\0';
	strcpy(trouble->argument, text);
	if (wanted == NEST)
		return true;
	trouble->number = (unsigned)strtoul(text, &end, 10);
	return *end == '\0' && trouble->number > 0;
}

bool trouble_parse(const char *text, struct trouble *ret_trouble, struct err *e)
{
	size_t len = strcspn(text, ":");
	const char *argument = text[len] ? text + len + 1 : "";

	for (size_t i = 0; i < KIND_COUNT; i++) {
		struct trouble trouble = { .kind = (enum trouble_kind)i };

		if (strlen(kinds[i].name) != len || memcmp(kinds[i].name, text, len) != 0)
			continue;
		if (!parse_argument(kinds[i].argument, argument, &trouble))
			return err_set(e, ERR_USAGE, "%s%s", kinds[i].name,
				       kinds[i].argument == NO_ARGUMENT ? " takes no argument"
				       : kinds[i].argument == NUMBER	? " wants :NUMBER"
									: " wants :NEST");
		*ret_trouble = trouble;
		return true;
	}
	return err_set(e, ERR_USAGE, "\"%s\" is no fault: see rig-boards --help", text);
}

const char *trouble_name(const struct trouble *trouble)
{
	return kinds[trouble->kind].name;
}
