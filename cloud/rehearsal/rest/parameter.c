#include "cloud/rehearsal/rest/parameter.h"

#include "base/cleanup.h"
#include "cloud/rehearsal/json.h"

#include <ctype.h>

#define WORDS(...) ((const char *const[]) { __VA_ARGS__, NULL })
#define DIGITS_MAX 9

/* What a text of a kind must be: so long, letters, digits and `others` (NULL: any), or one of the
 * words. */
static const struct format {
	json_type type;
	size_t min, max;
	const char *others;
	const char *const *words;
	const char *what;
} formats[] = {
	[KIND_ID] = { JSON_STRING, 64, 64, "", NULL, "64 hexadecimal digits" },
	[KIND_PEM] = { JSON_STRING, 1, 65536, NULL, NULL, "a PEM of at most 65536 characters" },
	[KIND_DOCUMENT] = { JSON_STRING, 1, 404600, NULL, NULL, "a text" },
	[KIND_POLICY_NAME] = { JSON_STRING, 1, 128, "_+=,.@-", NULL,
			       "1 to 128 characters of [A-Za-z0-9_+=,.@-]" },
	[KIND_THING_NAME] = { JSON_STRING, 1, 128, ":_-", NULL,
			      "1 to 128 characters of [A-Za-z0-9:_-]" },
	[KIND_RULE_NAME] = { JSON_STRING, 1, 128, "_", NULL,
			     "1 to 128 characters of [A-Za-z0-9_]" },
	[KIND_ARN] = { JSON_STRING, 1, 2048, NULL, NULL, "an ARN" },
	[KIND_MARKER] = { JSON_STRING, 1, 1024, "+/=", NULL, "a marker as it was returned" },
	[KIND_PAGE] = { JSON_INTEGER, 1, 250, NULL, NULL, "a number from 1 to 250" },
	[KIND_FLAG] = { JSON_TRUE, 0, 0, NULL, NULL, "true or false" },
	[KIND_STATUS] = { JSON_STRING, 1, 32, NULL,
			  WORDS("ACTIVE", "INACTIVE", "REVOKED", "PENDING_TRANSFER",
				"REGISTER_INACTIVE", "PENDING_ACTIVATION"),
			  "a certificate's status" },
	[KIND_CA_STATUS] = { JSON_STRING, 1, 32, NULL, WORDS("ACTIVE", "INACTIVE"),
			     "ACTIVE or INACTIVE" },
	[KIND_AUTO_REGISTRATION] = { JSON_STRING, 1, 32, NULL, WORDS("ENABLE", "DISABLE"),
				     "ENABLE or DISABLE" },
	[KIND_MODE] = { JSON_STRING, 1, 32, NULL, WORDS("DEFAULT", "SNI_ONLY"),
			"DEFAULT or SNI_ONLY" },
	[KIND_ENDPOINT] = { JSON_STRING, 1, 128, NULL,
			    WORDS("iot:Data", "iot:Data-ATS", "iot:CredentialProvider", "iot:Jobs"),
			    "iot:Data, iot:Data-ATS, iot:CredentialProvider or iot:Jobs" },
	[KIND_OBJECT] = { JSON_OBJECT, 0, 0, NULL, NULL, "an object" },
	[KIND_LIST] = { JSON_ARRAY, 0, 0, NULL, NULL, "a list" },
};

static bool invalid(const struct parameter *p, struct err *e)
{
	return err_set(e, ERR_INVALID, "%s must be %s", p->name, formats[p->kind].what);
}

static bool has_format(const struct format *format, const char *text)
{
	size_t len = strlen(text);

	if (len < format->min || len > format->max)
		return false;
	for (; format->others && *text; text++)
		if (!isascii(*text) ||
		    (!isalnum((unsigned char)*text) && !strchr(format->others, *text)))
			return false;
	return true;
}

static bool is_word(const char *const *words, const char *text)
{
	for (; *words; words++)
		if (!strcmp(*words, text))
			return true;
	return false;
}

static bool is_hex(const char *text)
{
	return text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

static json_t *lower(const char *text)
{
	char id[65];
	size_t i = 0;

	for (; text[i] && i < sizeof(id) - 1; i++)
		id[i] = (char)tolower((unsigned char)text[i]);
	id[i] = '\0';
	return json_string(id);
}

/* A text, as it is in the path, the query or a header, as the JSON value that it stands for. */
static json_t *value_of_text(const struct parameter *p, const char *text)
{
	const struct format *format = &formats[p->kind];

	if (p->kind == KIND_FLAG)
		return !strcmp(text, "true")	? json_true()
		       : !strcmp(text, "false") ? json_false()
						: NULL;
	if (p->kind == KIND_PAGE)
		return *text && strlen(text) <= DIGITS_MAX && !text[strspn(text, "0123456789")]
			       ? json_integer(atol(text))
			       : NULL;
	if (format->type != JSON_STRING || !has_format(format, text))
		return NULL;
	return p->kind == KIND_ID ? lower(text) : json_string(text);
}

static bool check_value(const struct parameter *p, const json_t *value, struct err *e)
{
	const struct format *format = &formats[p->kind];
	const char *text = json_string_value(value);
	json_int_t number = json_integer_value(value);

	if (p->kind == KIND_FLAG)
		return json_is_boolean(value) || invalid(p, e);
	if (json_typeof(value) != format->type)
		return invalid(p, e);
	if (p->kind == KIND_PAGE)
		return (number >= (json_int_t)format->min && number <= (json_int_t)format->max) ||
		       invalid(p, e);
	if (!text)
		return true;
	if (!has_format(format, text) || (format->words && !is_word(format->words, text)) ||
	    (p->kind == KIND_ID && !is_hex(text)))
		return invalid(p, e);
	return true;
}

/* A new reference; NULL with *ret_sent false if it was not sent. */
static json_t *find(const struct parameter *p, const struct rest_request *request,
		    const struct target *target, const char *path_value, json_t *body,
		    bool *ret_sent)
{
	const char *text = p->place == IN_PATH	  ? path_value
			   : p->place == IN_QUERY ? target_query(target, p->name)
						  : rest_header(request, p->name);
	json_t *member = json_object_get(body, p->name);

	if (p->place == IN_BODY) {
		*ret_sent = member && !json_is_null(member);
		return *ret_sent ? json_incref(member) : NULL;
	}
	*ret_sent = text != NULL;
	return text ? value_of_text(p, text) : NULL;
}

bool parameter_read(const struct parameter *table, const struct rest_request *request,
		    const struct target *target, const char *path_value, json_t *body,
		    json_t **ret_arguments, struct err *e)
{
	AUTO(json) arguments = json_object();

	for (const struct parameter *p = table; p && p->place; p++) {
		bool sent;
		AUTO(json) value = find(p, request, target, path_value, body, &sent);

		if (!sent && p->required)
			return err_set(e, ERR_INVALID, "%s is missing: it must be %s", p->name,
				       formats[p->kind].what);
		if (!sent)
			continue;
		if (!value)
			return invalid(p, e);
		if (!check_value(p, value, e))
			return false;
		if (json_object_set(arguments, p->name, value) < 0)
			return err_set(e, ERR_SYSTEM, "no memory for the arguments");
	}
	*ret_arguments = TAKE(arguments);
	return true;
}
