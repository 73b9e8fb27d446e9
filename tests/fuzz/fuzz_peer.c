/* A daemon that lies to who asks it. The first byte picks the question; then come its records, each
 * behind two bytes of length. What makes no sense is refused, and what is taken ends, comes in order
 * and can be shown: no byte of it moves a terminal. */
#include "base/message.h"
#include "hsm/api/client.h"
#include "hsm/command/command.h"
#include "station/screen/paint.h"

#include <assert.h>
#include <sys/socket.h>

#define RECORDS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes next_record(struct bytes *input)
{
	struct bytes record = bytes_of("", 0);
	size_t len;

	if (input->len < 2)
		return record;
	len = (size_t)input->data[0] << 8 | input->data[1];
	*input = bytes_of(input->data + 2, input->len - 2);
	record = bytes_of(input->data, len < input->len ? len : input->len);
	*input = bytes_of(input->data + record.len, input->len - record.len);
	return record;
}

static void check_text(const char *text)
{
	for (; *text; text++)
		assert(((unsigned char)*text >= 0x20 || *text == '\n') && *text != 0x7f);
}

/* --- the signer --- */

/* All its answers are on their way before the first question. */
static int start_signer(struct bytes input, struct client *ret_client)
{
	int ends[2];

	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	for (int i = 0; i < RECORDS_MAX && input.len > 0; i++) {
		struct bytes record = next_record(&input);

		assert(send(ends[1], record.data, record.len, MSG_NOSIGNAL) >= 0);
	}
	assert(shutdown(ends[1], SHUT_WR) == 0);
	ret_client->fd = ends[0];
	return ends[1];
}

struct seen {
	uint64_t count, last;
};

static bool take_issuance(void *context, const struct issuance *issuance, struct err *e)
{
	struct seen *seen = context;
	AUTO(json) line = command_issuance_json("here", issuance);

	(void)e;
	assert(line || !*issuance->unit || strlen(issuance->unit) > 0);
	assert(issuance->id > seen->last && issuance->serial_len <= SERIAL_MAX);
	assert(*state_name(issuance->state));
	check_text(issuance->unit);
	check_text(issuance->reason);
	seen->last = issuance->id;
	seen->count++;
	return true;
}

static bool take_entry(void *context, struct bytes data, struct err *e)
{
	struct seen *seen = context;

	(void)e;
	assert(data.len <= ENTRY_MAX);
	return ++seen->count < UINT32_MAX;
}

static void ask_issuances(struct client *c)
{
	struct seen seen = { 0 };
	struct err e = { 0 };

	assert(client_issuances(c, NULL, 0, take_issuance, &seen, &e) || *e.text);
	check_text(e.text);
}

static void ask_entries(struct client *c)
{
	struct seen seen = { 0 };
	struct err e = { 0 };

	assert(client_entries(c, 0, take_entry, &seen, &e) || *e.text);
	check_text(e.text);
}

static void ask_head(struct client *c)
{
	char text[HEAD_TEXT_MAX];
	struct head head;
	struct err e = { 0 };

	if (client_head(c, &head, &e))
		check_text(head_format(&head, text));
	else
		assert(*e.text);
}

static void signer(struct bytes input, void (*ask)(struct client *c))
{
	static struct client c;
	int far_end = start_signer(input, &c);

	ask(&c);
	client_close(&c);
	close(far_end);
}

/* --- the station --- */

static void check_picture(const struct canvas *c)
{
	for (int row = 0; row < c->rows; row++)
		for (int column = 0; column < c->columns; column++) {
			wchar_t character = c->cells[row][column].character;

			assert(character == 0 || (character >= 0x20 && character != 0x7f &&
						  (character < 0x80 || character > 0x9f)));
			assert(c->cells[row][column].style < STYLE_COUNT);
		}
}

static void show(const struct model *m, unsigned how)
{
	static struct canvas canvas;
	struct face face = { .language = how % LANGUAGE_COUNT, .page = how % PAGE_COUNT };

	canvas_clear(&canvas, PAINT_ROWS_MIN + how % 7 * 9, PAINT_COLUMNS_MIN + how % 5 * 30);
	paint(&canvas, m, &face);
	check_picture(&canvas);
}

static void watch_station(struct bytes input)
{
	static struct control_reply reply;
	static struct model m;
	unsigned how = input.len > 0 ? input.data[0] : 0;

	m = (struct model) { .is_up = true, .wall_s = 1795348800, .now_ms = 100000 };
	input = input.len > 0 ? bytes_of(input.data + 1, input.len - 1) : input;
	for (int i = 0; i < RECORDS_MAX && input.len > 0; i++) {
		bool taken = control_reply_decode(next_record(&input), &reply);

		if (taken && (model_take_nests(&m, &reply) || model_take_alarms(&m, &reply)))
			m.now_ms += 1000;
		assert(m.count <= CONTROL_NESTS_MAX && m.alarm_count <= MODEL_ALARMS_MAX);
	}
	show(&m, how);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const questions[])(struct client * c) = { ask_issuances, ask_entries,
								ask_head };
	struct bytes input = bytes_of(data + 1, size - 1);

	if (size == 0)
		return 0;
	if (data[0] % 4 == 3)
		watch_station(input);
	else
		signer(input, questions[data[0] % 4]);
	return 0;
}
