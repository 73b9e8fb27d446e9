/* The driver of boards with any stock firmware that has MCUmgr's groups os and fs: the CSR is a
 * file that the firmware made, the product's files are files. Source: Zephyr, "SMP protocol
 * specification", "file management". */
#include "base/clock.h"
#include "base/wait.h"
#include "serial/driver.h"
#include "serial/fault.h"
#include "serial/text.h"
#include "serial/transfer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_GAP_MS 10	 /* two line buffers, emptied every 10 ms, are the usual receiver */
#define CSR_WAIT_MS 3000 /* a firmware makes its key and its CSR when it starts */
#define CSR_PAUSE_MS 200
#define UNIT_FILE_MAX (BOARD_TEXT_MAX + 2) /* a line's end may be there */
#define COUNT(table) (sizeof(table) / sizeof(*(table)))

struct fs {
	const struct board_fs *settings;
	struct link link;
	struct transfer transfer;
	bool identified, learnt;
	char unit[BOARD_TEXT_MAX + 1];
	uint64_t buffer_size; /* 0: not known */
};

static const struct link_patience params_patience = { 300, 2 };
static const struct link_patience reset_patience = { 1000, 3 };
static const struct link_patience patience[] = {
	[SMP_FS_FILE] = { 500, 8 },
	[SMP_FS_HASH] = { 1000, 6 },
};
/* Tried again with less by transfer_write. */
static const struct link_patience write_patience = { 1000, 1 };

/* Of the group fs, where the answer has version 2. */
static const struct {
	const char *text;
	enum fault fault;
} refusals[] = {
	[2] = { "that is no name of a file there", FAULT_REFUSED },
	[SMP_FS_NOT_FOUND] = { "it has no such file", FAULT_REFUSED },
	[4] = { "that is a folder", FAULT_REFUSED },
	[5] = { "the file cannot be opened", FAULT_REFUSED },
	[6] = { "the file cannot be searched", FAULT_FLASH },
	[7] = { "the file cannot be read", FAULT_FLASH },
	[8] = { "the old file cannot be emptied", FAULT_FLASH },
	[9] = { "the old file cannot be deleted", FAULT_FLASH },
	[10] = { "the file cannot be written: is its file system full?", FAULT_NO_ROOM },
	[SMP_FS_BAD_OFFSET] = { "the piece does not follow the one before", FAULT_REFUSED },
	[12] = { "the file is shorter than that", FAULT_FLASH },
	[SMP_FS_NO_HASH] = { "its firmware cannot make this kind of hash", FAULT_REFUSED },
	[14] = { "there is no file system at that path", FAULT_REFUSED },
	[15] = { "that file system can only be read", FAULT_REFUSED },
	[16] = { "the file is empty", FAULT_FLASH },
};

static bool explain(const struct fs *fs, struct err *e)
{
	uint64_t rc = fs->link.rc;

	if (e->code == FAULT_REFUSED && fs->link.group_error && rc < COUNT(refusals) &&
	    refusals[rc].text)
		err_set(e, (int)refusals[rc].fault, "the board refused: %s (fs error %llu)",
			refusals[rc].text, (unsigned long long)rc);
	return false;
}

static bool call(void *context, uint8_t command, const struct cbor_writer *w, int64_t deadline,
		 struct cbor_reader *ret_map, struct err *e)
{
	struct fs *fs = context;
	bool write = (fs->link.request[0] & 7) == SMP_WRITE;

	if (w->overflow)
		return err_set(e, FAULT_NO_ROOM, "the request does not fit the board's buffer");
	return link_call(&fs->link, w, write ? write_patience : patience[command], deadline,
			 ret_map, e) ||
	       explain(fs, e);
}

/* A piece that arrived, and whose answer was lost: the board says how long the file is by now. */
static bool resume(void *context, const struct err *e, uint64_t *ret_offset)
{
	const struct fs *fs = context;
	bool found;

	if (e->code != FAULT_REFUSED)
		return false;
	*ret_offset = transfer_number(&fs->link.refusal, "len", &found);
	if (!found)
		*ret_offset = transfer_number(&fs->link.refusal, "off", &found);
	return found;
}

static bool is_missing(const struct fs *fs, const struct err *e)
{
	return e->code == FAULT_REFUSED &&
	       fs->link.rc == (fs->link.group_error ? (uint64_t)SMP_FS_NOT_FOUND : SMP_NO_ENTRY);
}

static bool is_unknown(const struct fs *fs, const struct err *e)
{
	return e->code == FAULT_REFUSED &&
	       (link_refused(&fs->link, e, SMP_NOT_SUPPORTED) ||
		(fs->link.group_error && fs->link.rc == SMP_FS_NO_HASH));
}

/* --- who is it? --- */

static bool was_silent(int64_t began_ms, struct err *e)
{
	if (e->code == FAULT_SILENT)
		err_set(e, FAULT_SILENT, "no answer in %.1f s",
			(double)(clock_monotonic_ms() - began_ms) / 1000);
	return false;
}

/* An old server refuses version 2, or does not answer it. */
static bool ask_params(struct fs *fs, int64_t deadline, struct err *e)
{
	int64_t began_ms = clock_monotonic_ms();
	struct cbor_reader map;
	bool found;

	for (;;) {
		struct cbor_writer w =
			link_request(&fs->link, SMP_READ, SMP_GROUP_OS, SMP_OS_PARAMS);

		cbor_put_map(&w, 0);
		if (link_call(&fs->link, &w, params_patience, deadline, &map, e))
			break;
		if (link_refused(&fs->link, e, SMP_NOT_SUPPORTED))
			return true; /* it has no such command: small requests will do */
		if ((e->code != FAULT_SILENT && e->code != FAULT_GARBAGE &&
		     !link_refused(&fs->link, e, SMP_TOO_NEW)) ||
		    clock_monotonic_ms() >= deadline || fs->link.received > LINK_RECEIVED_MAX)
			return was_silent(began_ms, e);
		fs->link.version = fs->link.version ? SMP_VERSION_1 : SMP_VERSION_2;
	}
	fs->buffer_size = transfer_number(&map, "buf_size", &found);
	link_learn_buffer(&fs->link, fs->buffer_size);
	return true;
}

static size_t without_line_end(const uint8_t *data, size_t len)
{
	while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == '\r' || data[len - 1] == 0))
		len--;
	return len;
}

static bool read_unit(struct fs *fs, char ret_unit[static BOARD_TEXT_MAX + 1], int64_t deadline,
		      struct err *e)
{
	const struct transfer_source source = { SMP_READ, SMP_FS_FILE, fs->settings->unit,
						FAULT_UNIT_TEXT };
	uint8_t data[UNIT_FILE_MAX];
	size_t len;

	ret_unit[0] = '\0';
	if (!*fs->settings->unit)
		return true;
	if (!transfer_read(&fs->transfer, &source, data, sizeof(data), &len, deadline, e)) {
		if (is_missing(fs, e))
			err_set(e, FAULT_UNIT_TEXT, "the board has no file %s with its unit id",
				fs->settings->unit);
		return false;
	}
	return text_take(bytes_of(data, without_line_end(data, len)), "unit", FAULT_UNIT_TEXT,
			 ret_unit, e);
}

static bool fs_identify(void *state, struct board_identity *ret_identity, int64_t deadline,
			struct err *e)
{
	struct fs *fs = state;
	struct board_identity identity = { 0 };

	if ((!fs->learnt && !ask_params(fs, deadline, e)) ||
	    !read_unit(fs, identity.unit, deadline, e) ||
	    !text_same_unit(fs->unit, &fs->identified, identity.unit, e))
		return err_add(e, "asking who it is");
	fs->learnt = true;
	*ret_identity = identity;
	return true;
}

/* --- files --- */

static bool read_csr(struct fs *fs, uint8_t *ret_csr, size_t *ret_len, int64_t deadline,
		     struct err *e)
{
	const struct transfer_source source = { SMP_READ, SMP_FS_FILE, fs->settings->csr,
						FAULT_CSR_SIZE };
	int64_t until = clock_deadline(CSR_WAIT_MS);

	while (!transfer_read(&fs->transfer, &source, ret_csr, BOARD_CSR_MAX, ret_len, deadline,
			      e)) {
		if (!is_missing(fs, e))
			return false;
		if (clock_monotonic_ms() >= (until < deadline ? until : deadline))
			return err_set(e, FAULT_REFUSED,
				       "the board has no file %s: has its firmware made its key?",
				       fs->settings->csr);
		if (!wait_pause(CSR_PAUSE_MS, fs->link.cancel_fd, e))
			return false;
	}
	return true;
}

static bool fs_csr(void *state, uint8_t *ret_csr, size_t *ret_len, int64_t deadline, struct err *e)
{
	struct fs *fs = state;

	if (!*fs->settings->csr)
		return err_set(e, ERR_INVALID,
			       "the product does not say where the CSR lies: "
			       "board: fs: { csr: PATH }");
	return read_csr(fs, ret_csr, ret_len, deadline, e) || err_add(e, "reading the CSR");
}

static bool fs_write(void *state, const struct board_file *file, int64_t deadline, struct err *e)
{
	struct fs *fs = state;

	return transfer_write(&fs->transfer, file, deadline, e);
}

static bool hash(struct fs *fs, const struct board_file *file, bool *ret_same, int64_t deadline,
		 struct err *e)
{
	struct cbor_writer w = link_request(&fs->link, SMP_READ, SMP_GROUP_FS, SMP_FS_HASH);
	struct cbor_reader map;
	struct bytes output;
	uint64_t len;
	bool found;

	cbor_put_map(&w, 2);
	cbor_put_key(&w, "name");
	cbor_put_key(&w, file->target);
	cbor_put_key(&w, "type");
	cbor_put_key(&w, "sha256");
	if (!call(fs, SMP_FS_HASH, &w, deadline, &map, e))
		return false;
	output = transfer_string(&map, "output", CBOR_BYTES);
	len = transfer_number(&map, "len", &found);
	if (output.len != sizeof(file->sha256))
		return transfer_odd(e, "no \"output\" of 32 bytes");
	*ret_same =
		bytes_equal(output, BYTES(file->sha256)) && (!found || len == file->content.len);
	return true;
}

/* A firmware without hashes has its files read back instead. */
static bool fs_verify(void *state, const struct board_file *file, bool read_back, int64_t deadline,
		      struct err *e)
{
	struct fs *fs = state;
	bool same = false, hashed = hash(fs, file, &same, deadline, e);

	if (!hashed && !is_unknown(fs, e))
		return err_add(e, "comparing the %s", file->name);
	if (hashed && same && !read_back)
		return true;
	if (!transfer_compare(&fs->transfer, file, deadline, e))
		return false;
	return !hashed || same ||
	       err_set(e, FAULT_FLASH,
		       "the board's hash of the %s differs, though every byte reads right",
		       file->name);
}

static bool fs_finish(void *state, int64_t deadline, struct err *e)
{
	struct fs *fs = state;
	struct cbor_writer w = link_request(&fs->link, SMP_WRITE, SMP_GROUP_OS, SMP_OS_RESET);
	struct cbor_reader map;

	if (!fs->settings->reset)
		return true;
	cbor_put_map(&w, 0);
	return link_call(&fs->link, &w, reset_patience, deadline, &map, e) ||
	       err_add(e, "resetting the board");
}

/* --- for the engineer --- */

/* What the firmware calls itself; "" if it does not. */
static void ask_firmware(struct fs *fs, char ret_text[static BOARD_TEXT_MAX + 1], int64_t deadline)
{
	struct cbor_writer w = link_request(&fs->link, SMP_READ, SMP_GROUP_OS, SMP_OS_INFO);
	struct cbor_reader map;
	struct bytes text;
	struct err e;

	cbor_put_map(&w, 1);
	cbor_put_key(&w, "format");
	cbor_put_key(&w, "a");
	if (!link_call(&fs->link, &w, params_patience, deadline, &map, &e))
		return;
	text = transfer_string(&map, "output", CBOR_TEXT);
	if (text.len > BOARD_TEXT_MAX)
		text.len = BOARD_TEXT_MAX;
	if (!text_take(text, "firmware", FAULT_ANSWER, ret_text, &e))
		ret_text[0] = '\0';
}

static bool fs_probe(void *state, struct board_report *ret_report, int64_t deadline, struct err *e)
{
	struct fs *fs = state;
	const struct board_file none = { .name = "file", .target = "/" };
	bool same, files;

	if (!fs_identify(fs, &ret_report->identity, deadline, e))
		return false;
	ask_firmware(fs, ret_report->identity.firmware, deadline);
	files = hash(fs, &none, &same, deadline, e) || fs->link.group_error || !is_unknown(fs, e);
	if (!files)
		return err_set(e, FAULT_REFUSED,
			       "the board speaks SMP, but its firmware has no file group");
	snprintf(ret_report->state, sizeof(ret_report->state),
		 "SMP version %d, buffer %llu bytes, files", fs->link.version + 1,
		 (unsigned long long)fs->buffer_size);
	return true;
}

static void *fs_start(const struct board_options *options, struct port *port, struct err *e)
{
	struct fs *fs = calloc(1, sizeof(*fs));

	if (!fs) {
		err_errno(e, ERR_SYSTEM, "no memory for a board");
		return NULL;
	}
	fs->settings = &options->settings->fs;
	link_start(&fs->link, port, options->cancel_fd, options->line_gap_ms);
	fs->transfer = (struct transfer) {
		.link = &fs->link,
		.options = options,
		.group = SMP_GROUP_FS,
		.name_key = "name",
		.align = 1,
		.read_command = SMP_FS_FILE,
		.write_command = SMP_FS_FILE,
		.context = fs,
		.call = call,
		.resume = resume,
	};
	return fs;
}

const struct driver fs_driver = {
	.name = "fs",
	.line_gap_ms = LINE_GAP_MS,
	.settings = { .kind = BOARD_SETTINGS_FS, .fs = { .reset = true } },
	.start = fs_start,
	.stop = free,
	.identify = fs_identify,
	.csr = fs_csr,
	.write = fs_write,
	.verify = fs_verify,
	.finish = fs_finish,
	.probe = fs_probe,
};
