#include "cloud/ledger/export.h"

#include "base/hex.h"
#include "cloud/ledger/base64.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sys/stat.h>

#define CHUNK_SIZE 65536 /* small: still in the cache when it is looked at */
#define BUFFER_SIZE (EXPORT_LINE_MAX + CHUNK_SIZE)
#define MARK_LINES 256
#define MARK_LEN 8 /* ,"cbor": */

struct export
{
	const char *path;
	int fd;
	struct stat opened; /* what the file was then */
	uint64_t line;
	bool torn;	 /* the line has no LF */
	uint64_t offset; /* of the buffer's end in the file */
	uint64_t *marks; /* where every MARK_LINES-th line begins */
	size_t mark_count, mark_capacity;
	size_t start, end; /* what of the buffer is not read yet */
	uint8_t *buffer;   /* NULL between two readings: there may be many exports */
};

AUTO_DEFINE(json, json_t *, json_decref)

/* A pipe would end before the second pass. */
static bool is_regular(int fd, struct stat *ret_status, struct err *e)
{
	if (fstat(fd, ret_status))
		return err_errno(e, ERR_SYSTEM, "cannot read it");
	return S_ISREG(ret_status->st_mode) ||
	       err_set(e, ERR_INVALID,
		       "this is no regular file, and an export is read twice; save it first");
}

bool export_open(const char *path, struct export **ret_export, struct err *e)
{
	AUTO(export) x = calloc(1, sizeof(*x));

	if (!x)
		return err_set(e, ERR_SYSTEM, "out of memory");
	x->path = path;
	x->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (x->fd < 0)
		return err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "cannot read %s",
				 path);
	if (!is_regular(x->fd, &x->opened, e))
		return err_add(e, "%s", path);
	posix_fadvise(x->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	*ret_export = TAKE(x);
	return true;
}

void export_free(struct export *x)
{
	if (!x)
		return;
	if (x->fd >= 0)
		close(x->fd);
	free(x->buffer);
	free(x->marks);
	free(x);
}

void export_end(struct export *x)
{
	free(x->buffer);
	x->buffer = NULL;
}

bool export_place(const struct export *x, uint64_t line, struct err *e)
{
	return err_add(e, "%s:%" PRIu64, x->path, line ? line : x->line);
}

/* False in *ret_more: the file ends. */
static bool fill(struct export *x, bool *ret_more, struct err *e)
{
	ssize_t got;

	memmove(x->buffer, x->buffer + x->start, x->end - x->start);
	x->end -= x->start;
	x->start = 0;
	do
		got = read(x->fd, x->buffer + x->end, CHUNK_SIZE);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_errno(e, ERR_SYSTEM, "cannot read it");
	x->end += (size_t)got;
	x->offset += (uint64_t)got;
	*ret_more = got > 0;
	return true;
}

/* The next line begins here. */
static bool mark(struct export *x, struct err *e)
{
	if (x->line % MARK_LINES || x->line / MARK_LINES < x->mark_count)
		return true;
	if (x->mark_count == x->mark_capacity) {
		size_t capacity = 2 * x->mark_capacity + MARK_LINES;
		uint64_t *marks = reallocarray(x->marks, capacity, sizeof(*marks));

		if (!marks)
			return err_set(e, ERR_SYSTEM, "out of memory");
		x->marks = marks;
		x->mark_capacity = capacity;
	}
	x->marks[x->mark_count++] = x->offset - (x->end - x->start);
	return true;
}

/* Without its LF, which the last line may lack. ret_line->data NULL: the file ends. */
static bool next_line(struct export *x, struct bytes *ret_line, struct err *e)
{
	bool more = true;

	if (!mark(x, e))
		return false;
	x->line++;
	for (;;) {
		const uint8_t *from = x->buffer + x->start;
		const uint8_t *lf = memchr(from, '\n', x->end - x->start);
		size_t len = lf ? (size_t)(lf - from) : x->end - x->start;

		if (len > EXPORT_LINE_MAX)
			return err_set(e, ERR_INVALID, "the line is too long for an export");
		if (lf || !more) {
			*ret_line = bytes_of(lf || len ? from : NULL, len);
			x->start += len + !!lf;
			x->line -= !ret_line->data;
			x->torn = !lf;
			return true;
		}
		if (!fill(x, &more, e))
			return false;
	}
}

static bool jump(struct export *x, uint64_t line, uint64_t offset, struct err *e)
{
	if (lseek(x->fd, (off_t)offset, SEEK_SET) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot read it");
	x->line = line;
	x->offset = offset;
	x->start = x->end = 0;
	return true;
}

static bool not_an_export(struct err *e)
{
	return err_set(e, ERR_INVALID,
		       "this is no export; imprint ledger export > FILE makes one (not as CSV)");
}

bool export_begin(struct export *x, uint8_t ret_ledger_id[static LEDGER_ID_LEN], struct err *e)
{
	AUTO(json) object = NULL;
	struct bytes line;
	const char *id;
	json_int_t version;

	if (!jump(x, 0, 0, e))
		return false;
	if (!x->buffer && !(x->buffer = malloc(BUFFER_SIZE)))
		return err_set(e, ERR_SYSTEM, "out of memory");
	if (!next_line(x, &line, e))
		return false;
	x->line = 1;
	if (line.data)
		object =
			json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, NULL);
	version = json_integer_value(json_object_get(object, "imprint_export"));
	if (version > EXPORT_VERSION)
		return err_set(e, ERR_INVALID,
			       "this is an export of version %lld, made by a newer imprint than "
			       "this one; update it here",
			       (long long)version);
	id = json_string_value(json_object_get(object, "ledger"));
	return (version == EXPORT_VERSION && id && hex_decode(id, ret_ledger_id, LEDGER_ID_LEN)) ||
	       not_an_export(e);
}

static bool begins(struct bytes line, const char *with)
{
	return line.len >= strlen(with) && !memcmp(line.data, with, strlen(with));
}

/* A line ends with "cbor":"…"}. Searched from the end: what stands before it may be anything, but a
 * text in it cannot hold a bare quote. The bytes take the place of their text. */
static bool take_entry(struct bytes line, struct bytes *ret_entry, struct err *e)
{
	bool closed = line.len > 2 && !memcmp(line.data + line.len - 2, "\"}", 2);
	const uint8_t *end = closed ? line.data + line.len - 2 : line.data;
	uint8_t *quote = memrchr(line.data, '"', (size_t)(end - line.data));
	size_t len;

	if (!quote || quote - line.data < MARK_LEN)
		return err_set(e, ERR_CORRUPT, "this is no line of an export; it was changed");
	if (!memcmp(quote - MARK_LEN, ",\"leaf\":", MARK_LEN))
		return err_set(e, ERR_INVALID,
			       "the export was filtered: an entry is there by its hash only; ask "
			       "for a whole one, without --order and --since");
	if (memcmp(quote - MARK_LEN, ",\"cbor\":", MARK_LEN) ||
	    !base64_read(bytes_of(quote + 1, (size_t)(end - quote - 1)), quote + 1, &len))
		return err_set(e, ERR_CORRUPT, "an entry of the export is malformed");
	if (len > ENTRY_MAX)
		return err_set(e, ERR_CORRUPT, "an entry is longer than an entry can be");
	*ret_entry = bytes_of(quote + 1, len);
	return true;
}

static bool take_head(struct export *x, struct bytes line, struct head *ret_head, struct err *e)
{
	AUTO(json)
	object = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, NULL);
	AUTO_FREE char *text = json_dumps(json_object_get(object, "head"), JSON_COMPACT);
	struct bytes after;

	if (!text || !head_parse(text, ret_head, e))
		return err_set(e, ERR_CORRUPT, "the head of the export is malformed");
	if (!next_line(x, &after, e))
		return false;
	return !after.data ||
	       err_set(e, ERR_CORRUPT, "there is more after the head, which must be the end");
}

bool export_next(struct export *x, struct bytes *ret_entry, bool *ret_end, struct head *ret_head,
		 struct err *e)
{
	struct bytes line;
	bool torn;

	if (!next_line(x, &line, e))
		return false;
	if (!line.data)
		return err_set(e, ERR_CORRUPT,
			       "the export has no head at its end: its tail is missing; fetch it "
			       "again");
	torn = x->torn;
	*ret_end = begins(line, "{\"head\":");
	if (*ret_end ? take_head(x, line, ret_head, e) : take_entry(line, ret_entry, e))
		return true;
	return torn ? err_set(e, ERR_CORRUPT, "the export was cut off in this line; fetch it again")
		    : false;
}

bool export_go(struct export *x, uint64_t line, struct err *e)
{
	uint64_t before = (line - 1) / MARK_LINES;
	struct bytes passed;

	if (before < x->mark_count && x->line < before * MARK_LINES &&
	    !jump(x, before * MARK_LINES, x->marks[before], e))
		return false;
	while (x->line + 1 < line)
		if (!next_line(x, &passed, e))
			return false;
	return true;
}

bool export_is_untouched(const struct export *x)
{
	const struct timespec *before = &x->opened.st_ctim;
	struct stat now;

	return fstat(x->fd, &now) == 0 && now.st_size == x->opened.st_size &&
	       now.st_ctim.tv_sec == before->tv_sec && now.st_ctim.tv_nsec == before->tv_nsec;
}
