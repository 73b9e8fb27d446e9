#include "cloud/reconcile/listing.h"

#include "base/cleanup.h"
#include "cloud/reconcile/item.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

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

static bool is(struct bytes text, const char *wanted)
{
	return bytes_equal(text, bytes_text(wanted));
}

static bool read_certificate(struct listing *l, struct err *e)
{
	struct listing_certificate certificate;
	struct item item;

	if (!item_read(&l->pull, &item, e))
		return false;
	if (item.arn_of_ca)
		return err_set(e, ERR_INVALID,
			       "this lists CAs, not certificates; ask with aws iot "
			       "list-certificates-by-ca --ca-certificate-id ID");
	memcpy(certificate.id, item.id, SHA256_LEN);
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
	if (!item_read(&l->pull, &item, e))
		return err_add(e, "the description");
	if (!item.has[ITEM_AUTO] || (item.status != IOT_ACTIVE && item.status != IOT_INACTIVE))
		return err_set(e, ERR_INVALID,
			       "this describes a certificate, not a CA; ask with aws iot "
			       "describe-ca-certificate --certificate-id ID");
	memcpy(ca.id, item.id, SHA256_LEN);
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
	static const char *const marks[] = { "\xff\xfe", "\xef\xbb\xbf" }; /* UTF-16, UTF-8 */
	bool has_mark = false;

	for (size_t i = 0; !l->pull.before && i < sizeof(marks) / sizeof(marks[0]); i++)
		has_mark |= l->pull.end >= strlen(marks[i]) &&
			    !memcmp(l->pull.buffer, marks[i], strlen(marks[i]));
	if (has_mark)
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
