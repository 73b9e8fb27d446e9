#include "serial/transfer.h"

#include "serial/fault.h"

#define WRITE_TRIES 8 /* without coming further */
#define DATA_HEAD 3   /* the length in front of the data: 3 bytes at most */

struct piece {
	uint64_t at, total; /* total 0: not said */
	struct bytes data;
};

bool transfer_odd(struct err *e, const char *what)
{
	return err_set(e, FAULT_ANSWER, "the board's answer makes no sense: %s", what);
}

uint64_t transfer_number(const struct cbor_reader *map, const char *key, bool *ret_found)
{
	struct cbor_reader r = cbor_find(map, key, ret_found);
	uint64_t value = *ret_found ? cbor_want_unsigned(&r) : 0;

	*ret_found = *ret_found && cbor_ok(&r);
	return value;
}

struct bytes transfer_string(const struct cbor_reader *map, const char *key, enum cbor_type type)
{
	bool found;
	struct cbor_reader r = cbor_find(map, key, &found);

	return found ? cbor_want_string(&r, type, LINK_MESSAGE_MAX) : (struct bytes) { 0 };
}

bool transfer_flag(const struct cbor_reader *map, const char *key)
{
	bool found;
	struct cbor_reader r = cbor_find(map, key, &found);
	struct cbor_item item = { 0 };

	if (found)
		item = cbor_next(&r);
	return item.type == CBOR_BOOL && item.value;
}

static void progress(const struct transfer *t, size_t done, size_t total)
{
	if (t->options->progress)
		t->options->progress(t->options->context, done, total);
}

static bool fetch(struct transfer *t, const struct transfer_source *source, uint64_t at,
		  struct piece *ret_piece, int64_t deadline, struct err *e)
{
	struct cbor_writer w = link_request(t->link, source->op, t->group, source->command);
	struct piece piece = { .at = at };
	struct cbor_reader map;
	bool found;

	cbor_put_map(&w, source->name ? 2 : 1);
	if (source->name) {
		cbor_put_key(&w, t->name_key);
		cbor_put_key(&w, source->name);
	}
	cbor_put_key(&w, "off");
	cbor_put_unsigned(&w, at);
	if (!t->call(t->context, source->command, &w, deadline, &map, e))
		return false;
	piece.total = transfer_number(&map, "len", &found);
	piece.data = transfer_string(&map, "data", CBOR_BYTES);
	if (!found && at == 0)
		return transfer_odd(e, "\"len\" is not there");
	if (transfer_number(&map, "off", &found) != at || !found)
		return transfer_odd(e, "\"off\" is not what was asked for");
	*ret_piece = piece;
	return true;
}

/* Does it follow what came before, and stay inside `total`? */
static bool adds_up(const struct piece *piece, uint64_t total)
{
	return piece->data.len > 0 && piece->at <= total && piece->data.len <= total - piece->at &&
	       (piece->total == total || (piece->total == 0 && piece->at > 0));
}

bool transfer_read(struct transfer *t, const struct transfer_source *source, uint8_t *ret_data,
		   size_t size, size_t *ret_len, int64_t deadline, struct err *e)
{
	struct piece piece = { 0 };
	uint64_t total = 0;
	size_t at = 0;

	do {
		if (!fetch(t, source, at, &piece, deadline, e))
			return false;
		total = at == 0 ? piece.total : total;
		if (total == 0 || total > size)
			return err_set(e, source->size_fault,
				       "it has %llu bytes: 1 to %zu are possible",
				       (unsigned long long)total, size);
		if (!adds_up(&piece, total))
			return transfer_odd(e, "the pieces do not add up");
		memcpy(ret_data + at, piece.data.data, piece.data.len);
		at += piece.data.len;
		progress(t, at, (size_t)total);
	} while (at < total);
	*ret_len = at;
	return true;
}

/* Writes as much from `at` on as fits; sets *ret_len to that. */
static struct cbor_writer write_request(struct transfer *t, const struct board_file *file,
					size_t at, size_t *ret_len)
{
	struct cbor_writer w = link_request(t->link, SMP_WRITE, t->group, t->write_command);
	size_t room, len = file->content.len - at;

	cbor_put_map(&w, at == 0 ? 4 : 3);
	cbor_put_key(&w, t->name_key);
	cbor_put_key(&w, file->target);
	cbor_put_key(&w, "off");
	cbor_put_unsigned(&w, at);
	if (at == 0) {
		cbor_put_key(&w, "len");
		cbor_put_unsigned(&w, file->content.len);
	}
	cbor_put_key(&w, "data");
	room = w.size - w.len > DATA_HEAD ? w.size - w.len - DATA_HEAD : 0;
	if (len > room)
		len = room - room % t->align;
	w.overflow |= len == 0;
	cbor_put_bytes(&w, bytes_of(file->content.data + at, len));
	*ret_len = len;
	return w;
}

static bool may_try_again(const struct transfer *t, const struct err *e)
{
	return (e->code == FAULT_SILENT || e->code == FAULT_GARBAGE) &&
	       t->link->received <= LINK_RECEIVED_MAX;
}

struct writing {
	const struct board_file *file;
	size_t at;
	size_t sent; /* the furthest byte that was ever sent: it may have arrived after all */
	unsigned tries;
};

/* Sends from `at` on. Where no answer came, it changes nothing but the length of the next try. */
static bool write_piece(struct transfer *t, struct writing *writing, int64_t deadline,
			struct err *e)
{
	size_t len;
	struct cbor_writer w = write_request(t, writing->file, writing->at, &len);
	struct cbor_reader map;
	uint64_t next;
	bool found = true;

	if (writing->at + len > writing->sent)
		writing->sent = writing->at + len;
	if (t->call(t->context, t->write_command, &w, deadline, &map, e)) {
		next = transfer_number(&map, "off", &found);
		found = found && next > writing->at;
	} else if (writing->tries >= WRITE_TRIES) {
		return false;
	} else if (may_try_again(t, e)) {
		link_halve_requests(t->link);
		return true;
	} else if (!t->resume || !t->resume(t->context, e, &next)) {
		return false;
	}
	if (!found || next > writing->sent)
		return transfer_odd(e, "\"off\" is not where the file goes on");
	writing->tries = next > writing->at ? 0 : writing->tries;
	writing->at = (size_t)next;
	return true;
}

bool transfer_write(struct transfer *t, const struct board_file *file, int64_t deadline,
		    struct err *e)
{
	struct writing writing = { .file = file };

	while (writing.at < file->content.len) {
		writing.tries++;
		if (!write_piece(t, &writing, deadline, e))
			return err_add(e, "writing the %s", file->name);
		progress(t, writing.at, file->content.len);
	}
	return true;
}

static bool compare_piece(const struct board_file *file, const struct piece *piece, struct err *e)
{
	const uint8_t *wanted = file->content.data + piece->at;

	if (piece->total != file->content.len && (piece->at == 0 || piece->total != 0))
		return err_set(e, FAULT_FLASH,
			       "the flash did not keep the %s (%llu bytes instead of %zu)",
			       file->name, (unsigned long long)piece->total, file->content.len);
	if (!adds_up(piece, file->content.len))
		return transfer_odd(e, "the pieces do not add up");
	for (size_t i = 0; i < piece->data.len; i++)
		if (piece->data.data[i] != wanted[i])
			return err_set(e, FAULT_FLASH,
				       "the flash did not keep the %s (byte %llu differs)",
				       file->name, (unsigned long long)(piece->at + i));
	return true;
}

bool transfer_compare(struct transfer *t, const struct board_file *file, int64_t deadline,
		      struct err *e)
{
	const struct transfer_source source = { SMP_READ, t->read_command, file->target,
						FAULT_FLASH };
	struct piece piece = { 0 };

	for (size_t at = 0; at < file->content.len; at += piece.data.len) {
		if (!fetch(t, &source, at, &piece, deadline, e))
			return err_add(e, "reading the %s back", file->name);
		if (!compare_piece(file, &piece, e))
			return false;
		progress(t, at + piece.data.len, file->content.len);
	}
	return true;
}
