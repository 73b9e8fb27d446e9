#include "cloud/reconcile/listing.h"

#include "base/cleanup.h"
#include "base/hex.h"
#include "cloud/reconcile/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>

#define NUMBER_MAX 40 /* characters of a time */
#define TIME_MAX_S 253402300799.0

enum field { FIELD_ID, FIELD_ARN, FIELD_STATUS, FIELD_CREATED, FIELD_AUTO, FIELD_COUNT };

static const char *const fields[FIELD_COUNT] = {
	[FIELD_ID] = "certificateId",
	[FIELD_ARN] = "certificateArn",
	[FIELD_STATUS] = "status",
	[FIELD_CREATED] = "creationDate",
	[FIELD_AUTO] = "autoRegistrationStatus",
};

/* One object of a listing, as far as it was read. */
struct item {
	bool has[FIELD_COUNT];
	char id[2 * SHA256_LEN + 1], arn_id[2 * SHA256_LEN + 1];
	bool arn_of_ca;
	enum iot_status status;
	int64_t created_s;
	bool auto_registration;
};

struct listing {
	struct pull pull;
	int fd;
	const struct listing_calls *calls;
	void *context;
	uint64_t documents, certificates; /* begun */
	bool known;			  /* of the document: it is one of the two */
};

static bool fill(void *context, uint8_t *data, size_t size, size_t *ret_len, struct err *e)
{
	const struct listing *l = context;
	ssize_t got;

	do
		got = read(l->fd, data, size);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_errno(e, ERR_SYSTEM, "cannot read it");
	*ret_len = (size_t)got;
	return true;
}

/* --- values --- */

static bool is(struct bytes text, const char *wanted)
{
	return bytes_equal(text, bytes_text(wanted));
}

static bool copy_id(struct bytes text, char ret_id[static 2 * SHA256_LEN + 1])
{
	if (text.len != 2 * SHA256_LEN)
		return false;
	memcpy(ret_id, text.data, text.len);
	ret_id[text.len] = '\0';
	return true;
}

/* arn:aws:iot:REGION:ACCOUNT:cert/ID, or cacert/ID. */
static bool read_arn(struct item *item, struct bytes text, struct err *e)
{
	static const char certificate[] = ":cert/", ca[] = ":cacert/";
	const uint8_t *slash = memrchr(text.data, '/', text.len);
	size_t len = slash ? (size_t)(slash + 1 - text.data) : 0;

	item->arn_of_ca = len >= strlen(ca) && !memcmp(slash + 1 - strlen(ca), ca, strlen(ca));
	if (!item->arn_of_ca &&
	    (len < strlen(certificate) ||
	     memcmp(slash + 1 - strlen(certificate), certificate, strlen(certificate))))
		return err_set(e, ERR_INVALID, "its certificateArn is not that of a certificate");
	return copy_id(bytes_of(slash + 1, text.len - len), item->arn_id) ||
	       err_set(e, ERR_INVALID, "its certificateArn does not end with a certificate's id");
}

static bool read_status(struct item *item, struct bytes text, struct err *e)
{
	if (iot_status_of((const char *)text.data, text.len, &item->status))
		return true;
	return err_set(e, ERR_INVALID, "its status is none that AWS IoT is known to have");
}

static bool read_auto(struct item *item, struct bytes text, struct err *e)
{
	item->auto_registration = is(text, "ENABLE");
	return item->auto_registration || is(text, "DISABLE") ||
	       err_set(e, ERR_INVALID, "its autoRegistrationStatus is neither ENABLE nor DISABLE");
}

static bool wrong_id(struct err *e)
{
	return err_set(e, ERR_INVALID, "its certificateId is not 64 hexadecimal digits");
}

static bool wrong_time(struct err *e)
{
	return err_set(e, ERR_INVALID, "its creationDate is no time that the aws command prints");
}

/* Two digits at `at`; -1 if they are none. */
static int two(const char *at)
{
	return at[0] >= '0' && at[0] <= '9' && at[1] >= '0' && at[1] <= '9'
		       ? (at[0] - '0') * 10 + at[1] - '0'
		       : -1;
}

/* "+09:00", "Z" or, as UTC, nothing. */
static bool read_offset(const char *at, int64_t *ret_s)
{
	int sign = *at == '+' ? 1 : -1, hours = two(at + !!*at), minutes;

	*ret_s = 0;
	if (!*at || !strcmp(at, "Z"))
		return true;
	if ((*at != '+' && *at != '-') || hours < 0 || at[3] != ':')
		return false;
	minutes = two(at + 4);
	*ret_s = sign * (hours * 3600 + minutes * 60);
	return minutes >= 0 && hours < 24 && minutes < 60 && !at[6];
}

/* 2016-11-23T08:47:11.123000+09:00 */
static bool read_iso(struct item *item, const char *text, struct err *e)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	struct tm tm;
	int64_t offset_s;

	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return wrong_time(e);
	tm = (struct tm) { .tm_year = two(text) * 100 + two(text + 2) - 1900,
			   .tm_mon = two(text + 5) - 1,
			   .tm_mday = two(text + 8),
			   .tm_hour = two(text + 11),
			   .tm_min = two(text + 14),
			   .tm_sec = two(text + 17) };
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return wrong_time(e);
	text += strlen(form);
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (!read_offset(text, &offset_s))
		return wrong_time(e);
	item->created_s = timegm(&tm) - offset_s;
	return true;
}

static bool read_time(struct item *item, struct bytes text, bool number, struct err *e)
{
	char copy[NUMBER_MAX + 1] = "";
	double seconds;

	if (text.len > NUMBER_MAX)
		return wrong_time(e);
	memcpy(copy, text.data, text.len);
	if (!number)
		return read_iso(item, copy, e);
	seconds = strtod(copy, NULL);
	if (!(seconds >= 0 && seconds <= TIME_MAX_S))
		return wrong_time(e);
	item->created_s = (int64_t)seconds;
	return true;
}

/* --- objects --- */

static bool read_value(struct item *item, enum field field, struct bytes text, struct err *e)
{
	switch (field) {
	case FIELD_ID:
		return copy_id(text, item->id) || wrong_id(e);
	case FIELD_ARN:
		return read_arn(item, text, e);
	case FIELD_STATUS:
		return read_status(item, text, e);
	case FIELD_AUTO:
		return read_auto(item, text, e);
	default:
		return read_time(item, text, false, e);
	}
}

static bool read_field(struct listing *l, struct item *item, enum field field, struct err *e)
{
	enum pull_token token;

	if (!pull_next(&l->pull, &token, e))
		return false;
	if (field == FIELD_COUNT || (field == FIELD_CREATED && token == PULL_NULL))
		return pull_skip(&l->pull, token, e);
	if (item->has[field])
		return err_set(e, ERR_INVALID, "it has two members %s", fields[field]);
	item->has[field] = true;
	if (field == FIELD_CREATED && token == PULL_NUMBER)
		return read_time(item, l->pull.text, true, e);
	if (token != PULL_STRING)
		return err_set(e, ERR_INVALID, "its %s is no text", fields[field]);
	return read_value(item, field, l->pull.text, e);
}

static enum field field_of(struct bytes name)
{
	enum field field = 0;

	while (field < FIELD_COUNT && !is(name, fields[field]))
		field++;
	return field;
}

/* From behind its brace to its end. */
static bool read_item(struct listing *l, struct item *item, uint8_t ret_id[static SHA256_LEN],
		      struct err *e)
{
	enum pull_token token;

	*item = (struct item) { 0 };
	for (;;) {
		if (!pull_next(&l->pull, &token, e))
			return false;
		if (token == PULL_OBJECT_END)
			break;
		if (!read_field(l, item, field_of(l->pull.text), e))
			return false;
	}
	for (enum field field = FIELD_ID; field <= FIELD_STATUS; field++)
		if (!item->has[field] && field != FIELD_ARN)
			return err_set(e, ERR_INVALID, "it has no %s", fields[field]);
	if (item->has[FIELD_ARN] && strcmp(item->id, item->arn_id))
		return err_set(e, ERR_INVALID, "its certificateId and its certificateArn differ");
	return hex_decode(item->id, ret_id, SHA256_LEN) || wrong_id(e);
}

static bool read_certificate(struct listing *l, struct err *e)
{
	struct listing_certificate certificate;
	struct item item;

	if (!read_item(l, &item, certificate.id, e))
		return false;
	if (item.arn_of_ca)
		return err_set(e, ERR_INVALID,
			       "this lists CAs, not certificates; ask with aws iot "
			       "list-certificates-by-ca --ca-certificate-id ID");
	certificate.status = item.status;
	certificate.created_s = item.created_s;
	return l->calls->certificate(l->context, &certificate, e);
}

static bool expect(struct listing *l, enum pull_token wanted, const char *name, struct err *e)
{
	enum pull_token token;

	if (!pull_next(&l->pull, &token, e))
		return false;
	return token == wanted ||
	       err_set(e, ERR_INVALID, "byte %" PRIu64 ": \"%s\" is not what aws prints",
		       pull_position(&l->pull), name);
}

static bool read_certificates(struct listing *l, struct err *e)
{
	enum pull_token token;

	if (!expect(l, PULL_ARRAY, "certificates", e))
		return false;
	l->known = true;
	for (;;) {
		if (!pull_next(&l->pull, &token, e))
			return false;
		if (token == PULL_ARRAY_END)
			return true;
		l->certificates++;
		if (token != PULL_OBJECT)
			return err_set(e, ERR_INVALID, "certificate %" PRIu64 ": it is no object",
				       l->certificates);
		if (!read_certificate(l, e))
			return err_add(e, "certificate %" PRIu64, l->certificates);
	}
}

static bool read_description(struct listing *l, struct err *e)
{
	struct listing_ca ca;
	struct item item;

	if (!expect(l, PULL_OBJECT, "certificateDescription", e))
		return false;
	l->known = true;
	if (!read_item(l, &item, ca.id, e))
		return err_add(e, "the description");
	if (!item.has[FIELD_AUTO] || (item.status != IOT_ACTIVE && item.status != IOT_INACTIVE))
		return err_set(e, ERR_INVALID,
			       "this describes a certificate, not a CA; ask with aws iot "
			       "describe-ca-certificate --certificate-id ID");
	ca.active = item.status == IOT_ACTIVE;
	ca.auto_registration = item.auto_registration;
	return l->calls->ca(l->context, &ca, e);
}

static bool read_marker(struct listing *l, struct err *e)
{
	enum pull_token token;

	if (!pull_next(&l->pull, &token, e))
		return false;
	if (token == PULL_NULL)
		return true;
	return err_set(e, ERR_INVALID,
		       "byte %" PRIu64 ": the listing is incomplete, more pages follow; run aws "
		       "without --page-size, --max-items and --no-paginate: it prints all of them",
		       pull_position(&l->pull));
}

static bool read_member(struct listing *l, struct err *e)
{
	struct bytes name = l->pull.text;
	enum pull_token token;

	if (is(name, "certificates"))
		return read_certificates(l, e);
	if (is(name, "certificateDescription"))
		return read_description(l, e);
	if (is(name, "nextMarker") || is(name, "NextToken"))
		return read_marker(l, e);
	return pull_next(&l->pull, &token, e) && pull_skip(&l->pull, token, e);
}

static bool foreign(struct listing *l, struct err *e)
{
	return err_set(e, ERR_INVALID,
		       "byte %" PRIu64 ": this is neither what aws iot list-certificates-by-ca nor "
		       "what describe-ca-certificate prints",
		       pull_position(&l->pull));
}

static bool read_document(struct listing *l, struct err *e)
{
	enum pull_token token;

	l->documents++;
	l->known = false;
	for (;;) {
		if (!pull_next(&l->pull, &token, e))
			return false;
		if (token == PULL_OBJECT_END)
			return l->known || foreign(l, e);
		if (!read_member(l, e))
			return false;
	}
}

/* YAML, text and tables of the aws command end here, too. */
static bool no_json(const struct listing *l, struct err *e)
{
	uint8_t first = l->pull.before || !l->pull.end ? 0 : l->pull.buffer[0];

	if (first == 0xff || first == 0xef)
		return err_set(e, ERR_INVALID,
			       "it begins with a byte order mark, as PowerShell's > writes it; "
			       "write it with cmd's >, or | Out-File -Encoding ascii");
	return err_set(e, ERR_INVALID,
		       "this is not JSON; have it printed with aws iot list-certificates-by-ca "
		       "--output json");
}

static bool read_documents(struct listing *l, struct err *e)
{
	enum pull_token token;

	for (;;) {
		if (!pull_next(&l->pull, &token, e))
			return e->code == ERR_INVALID && l->documents == 0 ? no_json(l, e) : false;
		if (token == PULL_END_OF_INPUT)
			break;
		if (token != PULL_OBJECT)
			return l->documents ? foreign(l, e) : no_json(l, e);
		if (!read_document(l, e))
			return false;
	}
	return l->documents > 0 ||
	       err_set(e, ERR_INVALID, "it is empty: the aws command printed nothing into it");
}

bool listing_read(const char *path, const struct listing_calls *calls, void *context, struct err *e)
{
	bool is_stdin = !strcmp(path, "-");
	AUTO_FREE struct listing *l = malloc(sizeof(*l));
	AUTO(fd) fd = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);

	if (!l)
		return err_set(e, ERR_SYSTEM, "out of memory");
	if (!is_stdin && fd < 0)
		return err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "cannot read %s",
				 path);
	l->fd = is_stdin ? STDIN_FILENO : fd;
	l->calls = calls;
	l->context = context;
	l->documents = l->certificates = 0;
	pull_start(&l->pull, fill, l);
	return read_documents(l, e) || err_add(e, "%s", is_stdin ? "stdin" : path);
}
