#include "cloud/aws/failure.h"

#include "cloud/aws/iot.h"
#include "cloud/aws/s3.h"

#include <ctype.h>
#include <jansson.h>

#define CODE_SIZE HTTP_ERROR_SIZE
#define MESSAGE_SIZE 176
#define ADVICE_SIZE 224
#define BEGIN_SIZE 32

enum advice {
	LATER,
	SLOWER,
	EXPIRED,
	SIGNATURE, /* or the clock, if AWS's differs */
	KEY_UNKNOWN,
	RIGHT,
	ENDPOINT,
	REGISTERED,
	CHANGED,
	LOOK_FOR_IT,
	NEW_CODE,
	CERTIFICATE,
	WHICH_CA,
	STATE,
	LIMIT,
	REQUEST,
	OTHER_ACCOUNT,
};

static const struct known {
	const char *code;
	int error;
	bool again;
	enum advice advice;
} known[] = {
	{ "ResourceNotFoundException", ERR_NOT_FOUND, false, LOOK_FOR_IT },
	{ "NoSuchKey", ERR_NOT_FOUND, false, LOOK_FOR_IT },
	{ "NoSuchBucket", ERR_NOT_FOUND, false, LOOK_FOR_IT },
	{ "ResourceAlreadyExistsException", IOT_EXISTS, false, REGISTERED },
	{ "PreconditionFailed", S3_CHANGED, false, CHANGED },
	{ "ConditionalRequestConflict", S3_CHANGED, false, CHANGED },
	{ "ThrottlingException", ERR_BUSY, true, SLOWER },
	{ "Throttling", ERR_BUSY, true, SLOWER },
	{ "TooManyRequestsException", ERR_BUSY, true, SLOWER },
	{ "SlowDown", ERR_BUSY, true, SLOWER },
	{ "ExpiredTokenException", ERR_REFUSED, false, EXPIRED },
	{ "ExpiredToken", ERR_REFUSED, false, EXPIRED },
	{ "InvalidSignatureException", ERR_REFUSED, false, SIGNATURE },
	{ "SignatureDoesNotMatch", ERR_REFUSED, false, SIGNATURE },
	{ "RequestTimeTooSkewed", ERR_REFUSED, false, SIGNATURE },
	{ "RequestExpired", ERR_REFUSED, false, SIGNATURE },
	{ "UnrecognizedClientException", ERR_REFUSED, false, KEY_UNKNOWN },
	{ "InvalidAccessKeyId", ERR_REFUSED, false, KEY_UNKNOWN },
	{ "InvalidToken", ERR_REFUSED, false, EXPIRED },
	{ "AccessDeniedException", ERR_REFUSED, false, RIGHT },
	{ "UnauthorizedException", ERR_REFUSED, false, RIGHT },
	{ "AccessDenied", ERR_REFUSED, false, RIGHT },
	{ "MissingAuthenticationTokenException", ERR_REFUSED, false, ENDPOINT },
	{ "AuthorizationHeaderMalformed", ERR_REFUSED, false, ENDPOINT },
	{ "PermanentRedirect", ERR_REFUSED, false, ENDPOINT },
	{ "RegistrationCodeValidationException", ERR_REFUSED, false, NEW_CODE },
	{ "CertificateValidationException", ERR_REFUSED, false, CERTIFICATE },
	{ "CertificateConflictException", ERR_REFUSED, false, WHICH_CA },
	{ "CertificateStateException", ERR_REFUSED, false, STATE },
	{ "LimitExceededException", ERR_REFUSED, false, LIMIT },
	{ "InvalidRequestException", ERR_REFUSED, false, REQUEST },
};

static void advise_signature(const struct failure_call *call, const struct http_answer *answer,
			     char advice[static ADVICE_SIZE])
{
	int64_t ahead_s = answer->date_s ? answer->received_s - answer->date_s : 0;
	long long away_s = ahead_s < 0 ? -ahead_s : ahead_s;

	if (away_s > IOT_SKEW_S)
		snprintf(advice, ADVICE_SIZE,
			 "the clock here is %lld minutes %s AWS's: set it (timedatectl), then "
			 "repeat",
			 (away_s + 30) / 60, ahead_s > 0 ? "ahead of" : "behind");
	else
		snprintf(advice, ADVICE_SIZE,
			 "the secret key does not belong to access key %.24s: correct %.140s",
			 call->account->access_key, call->account->source);
}

/* What needs no word of the account. */
static const char *const advices[] = {
	[LATER] = "trouble on AWS's side: repeat it later",
	[SLOWER] = "too many calls in this account and region: repeat it later",
	[REGISTERED] = "nothing was changed",
	[CHANGED] = "somebody else wrote it meanwhile: repeat it",
	[NEW_CODE] = "the verification certificate must name this account's registration code: ask "
		     "for the code again and make a new one",
	[CERTIFICATE] = "look at the certificate: within its time, signed by that CA, CA:TRUE for "
			"a CA",
	[WHICH_CA] = "several CAs have this subject, or the certificate is registered otherwise: "
		     "name the CA",
	[STATE] = "its state does not allow this: describe the certificate and its CA",
	[LIMIT] = "delete what is no longer needed, or have AWS raise the limit",
	[REQUEST] = "AWS does not take this value",
	[OTHER_ACCOUNT] = "AWS does not take it; if another account has the CA in mode DEFAULT in "
			  "this region, no second one can, but in mode SNI_ONLY several: imprint "
			  "cloud register-ca --sni-only",
};

static void advise(enum advice kind, const struct failure_call *call,
		   const struct http_answer *answer, char advice[static ADVICE_SIZE])
{
	const struct account *account = call->account;

	switch (kind) {
	case EXPIRED:
		snprintf(advice, ADVICE_SIZE,
			 "the credentials (%.140s) are no longer valid: get new ones, then repeat",
			 account->source);
		break;
	case SIGNATURE:
		advise_signature(call, answer, advice);
		break;
	case KEY_UNKNOWN:
		snprintf(advice, ADVICE_SIZE,
			 "AWS does not know access key %.24s%s: correct %.100s",
			 account->access_key,
			 *account->session_token ? ", or not with its session token" : "",
			 account->source);
		break;
	case RIGHT:
		snprintf(advice, ADVICE_SIZE,
			 "the credentials (%.100s) lack the right %s:%s: have it added, then "
			 "repeat",
			 account->source, call->service, call->operation);
		break;
	case ENDPOINT:
		snprintf(advice, ADVICE_SIZE, "is region %s right, and the endpoint?",
			 account->region);
		break;
	case LOOK_FOR_IT:
		snprintf(advice, ADVICE_SIZE, "is it another account, or another region than %s?",
			 account->region);
		break;
	default:
		snprintf(advice, ADVICE_SIZE, "%s", advices[kind]);
	}
}

/* Cuts, and keeps what a terminal could be misled with out of the sentence. */
static void copy_clean(const char *text, size_t len, char *to, size_t size)
{
	size_t i;

	for (i = 0; i < len && i + 1 < size; i++)
		to[i] = isprint((unsigned char)text[i]) ? text[i] : '?';
	to[i] = '\0';
}

static void read_tag(const char *body, const char *name, char *to, size_t size)
{
	char tag[16];
	const char *begin, *end;

	snprintf(tag, sizeof(tag), "<%s>", name);
	begin = strstr(body, tag);
	if (!begin)
		return;
	begin += strlen(tag);
	end = strstr(begin, "</");
	if (end)
		copy_clean(begin, (size_t)(end - begin), to, size);
}

static void read_member(const json_t *object, const char *name, char *to, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (text && !*to)
		copy_clean(text, strlen(text), to, size);
}

static void read_json(const struct http_answer *answer, char *code, char *message)
{
	json_t *object = json_loadb(answer->body, answer->len, 0, NULL);
	char type[2 * CODE_SIZE] = "";
	const char *name;

	read_member(object, "message", message, MESSAGE_SIZE);
	read_member(object, "Message", message, MESSAGE_SIZE);
	read_member(object, "__type", type, sizeof(type));
	name = strchr(type, '#'); /* "com.amazonaws.iot#ThrottlingException" */
	if (*type && !*code)
		copy_clean(name ? name + 1 : type, CODE_SIZE - 1, code,
			   1 + strnlen(name ? name + 1 : type, CODE_SIZE - 1));
	read_member(object, "code", code, CODE_SIZE);
	json_decref(object);
}

static struct known look_up(const char *code, long status)
{
	struct known other = { code, ERR_REFUSED, false, REQUEST };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(known[i].code, code) == 0)
			return known[i];
	if (status == 429)
		other = (struct known) { code, ERR_BUSY, true, SLOWER };
	if (status >= 500)
		other = (struct known) { code, ERR_BUSY, true, LATER };
	if (status == 404)
		other = (struct known) { code, ERR_NOT_FOUND, false, LOOK_FOR_IT };
	return other;
}

/* Of what another account has already, AWS says no more than of a bad value. */
static bool may_be_elsewhere(const char *operation, const char *code)
{
	return !strncmp(operation, "Register", strlen("Register")) &&
	       !strcmp(code, "InvalidRequestException");
}

bool failure_foreign(const struct http_answer *answer, struct err *e)
{
	char begin[BEGIN_SIZE];
	json_error_t error;
	json_t *json = json_loadb(answer->body, answer->len, 0, &error);

	json_decref(json);
	copy_clean(answer->body, answer->len, begin, sizeof(begin));
	if (!json && json_error_code(&error) == json_error_premature_end_of_input && *begin == '{')
		return err_set(e, ERR_INVALID, "the answer breaks off after %zu bytes: repeat it",
			       answer->len);
	return err_set(e, ERR_INVALID,
		       "status %ld and \"%s…\" are not an answer of AWS: does a proxy or a sign-in "
		       "page stand in between, or is the endpoint another one?",
		       answer->status, begin);
}

bool failure_say(const struct failure_call *call, const struct http_answer *answer, bool *ret_again,
		 struct err *e)
{
	char code[CODE_SIZE], message[MESSAGE_SIZE] = "", advice[ADVICE_SIZE];
	struct known row;

	copy_clean(answer->error, strlen(answer->error), code, sizeof(code));
	read_json(answer, code, message);
	if (!*code)
		read_tag(answer->body, "Code", code, sizeof(code));
	if (!*message)
		read_tag(answer->body, "Message", message, sizeof(message));
	row = look_up(code, answer->status);
	*ret_again = row.again;
	if (!*code && answer->status < 500 && answer->status != 429 && !*message)
		return failure_foreign(answer, e);
	if (may_be_elsewhere(call->operation, code))
		row.advice = OTHER_ACCOUNT;
	advise(row.advice, call, answer, advice);
	return err_set(e, row.error, "AWS answers %ld %s%s%s%s: %s", answer->status, code,
		       *message ? " (" : "", message, *message ? ")" : "", advice);
}
