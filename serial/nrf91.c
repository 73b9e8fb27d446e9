/* The driver of boards with an nRF91 modem: its AT commands, through whatever firmware passes them
 * on (at_host, Serial LTE Modem). The key is made in the modem and never leaves it; a file is PEM
 * under the product's sec_tag. There is no checksum on this wire, and one flipped bit makes another
 * sec_tag or another verb: the unit id is read twice, the CSR comes with an attestation that holds
 * its SHA-256 and sec_tag, and the modem's list has in the end the SHA-256 of all that it holds
 * under the sec_tag, the key among it. Source: nRF91 AT commands, %KEYGEN and %CMNG. */
#include "base/hex.h"
#include "serial/attest.h"
#include "serial/driver.h"
#include "serial/fault.h"
#include "serial/modem.h"
#include "serial/text.h"
#include "serial/unchecked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SEC_TAG 16842753 /* nRF Cloud's, where the product says nothing */
#define KEY_TYPE 2	 /* of %CMNG */

struct nrf91 {
	const struct board_nrf91 *settings;
	const struct board_options *options;
	struct modem modem;
	struct unchecked unchecked;
};

/* --- who is it? --- */

static bool wake_up(void *state, void *context, int64_t deadline, struct err *e)
{
	struct nrf91 *m = state;

	(void)context;
	return modem_wake_up(&m->modem, deadline, e);
}

static bool read_unit(void *state, char ret_unit[static BOARD_TEXT_MAX + 1], int64_t deadline,
		      struct err *e)
{
	struct nrf91 *m = state;
	bool by_imei = m->settings->unit == BOARD_UNIT_IMEI;
	const char *text = m->modem.line.answer;

	if (!modem_ask(&m->modem, by_imei ? MODEM_IMEI : MODEM_UUID, 0, deadline, e))
		return false;
	if (!by_imei)
		text += strlen("%DEVICEUUID: ");
	return text_take(bytes_text(text), "unit", FAULT_UNIT_TEXT, ret_unit, e);
}

static bool nrf91_identify(void *state, struct board_identity *ret_identity, int64_t deadline,
			   struct err *e)
{
	struct nrf91 *m = state;
	struct board_identity identity = { .hardware = "nRF91" };

	if (!unchecked_identify(&m->unchecked, identity.unit, deadline, e))
		return false;
	*ret_identity = identity;
	return true;
}

/* --- key and CSR --- */

static bool forget(struct nrf91 *m, unsigned type, int64_t deadline, struct err *e)
{
	return modem_ask_offline(&m->modem, MODEM_DELETE, type, deadline, e) ||
	       modem_refused_for(&m->modem, e, MODEM_NOT_FOUND);
}

/* A new key each time: the modem keeps no request that could be asked for again. */
static bool make_key(struct nrf91 *m, int64_t deadline, struct err *e)
{
	if (modem_ask_offline(&m->modem, MODEM_KEYGEN, 0, deadline, e))
		return true;
	return modem_refused_for(&m->modem, e, MODEM_EXISTS) && forget(m, KEY_TYPE, deadline, e) &&
	       modem_ask_offline(&m->modem, MODEM_KEYGEN, 0, deadline, e);
}

struct csr {
	uint8_t *data; /* BOARD_CSR_MAX */
	size_t *len;
};

/* What the modem says of the key it made, against what it was asked for and who it is. */
static bool check_attest(const struct nrf91 *m, const struct attest *attest, struct bytes csr,
			 struct err *e)
{
	unsigned tag = m->modem.sec_tag;

	if (!attest_covers(attest, csr))
		return err_set(e, FAULT_GARBAGE,
			       "it did not arrive as the modem made it: its SHA-256 differs");
	if (attest->sec_tag != tag)
		return err_set(e, FAULT_ANSWER,
			       "the modem made a key under sec_tag %u instead of %u",
			       (unsigned)attest->sec_tag, tag);
	if (!attest_names(attest, csr))
		return err_set(e, FAULT_ANSWER, "it does not name the modem that made it, %s",
			       attest->uuid);
	return m->settings->unit != BOARD_UNIT_UUID ||
	       strcasecmp(attest->uuid, m->unchecked.unit) == 0 ||
	       err_set(e, FAULT_UNIT_CHANGED, "the board was %s, and the key is made by %s",
		       m->unchecked.unit, attest->uuid);
}

/* An answer that was damaged cannot be had again: another key is made. */
static bool try_csr(void *state, void *context, int64_t deadline, struct err *e)
{
	const struct csr *csr = context;
	struct nrf91 *m = state;
	struct attest attest;

	return modem_ask(&m->modem, MODEM_OFFLINE, 0, deadline, e) && make_key(m, deadline, e) &&
	       attest_read(m->modem.line.answer, csr->data, csr->len, &attest, e) &&
	       check_attest(m, &attest, bytes_of(csr->data, *csr->len), e);
}

static bool nrf91_csr(void *state, uint8_t *ret_csr, size_t *ret_len, int64_t deadline,
		      struct err *e)
{
	struct nrf91 *m = state;
	struct csr csr = { ret_csr, ret_len };

	return line_insist(&m->modem.line, try_csr, wake_up, m, &csr, deadline, e) ||
	       err_add(e, "reading the CSR");
}

/* --- files --- */

static const char *const targets[] = { "ca", "certificate", NULL };

/* Of %CMNG: 0 and 1. */
static unsigned type_of(const char *target)
{
	unsigned type = 0;

	while (targets[type] && strcmp(targets[type], target) != 0)
		type++;
	return type;
}

/* The whole command with the file in quotes. */
static bool put_store(struct nrf91 *m, const struct board_file *file, struct err *e)
{
	size_t len;

	if (!targets[type_of(file->target)])
		return err_set(e, ERR_INVALID, "\"%s\" is no place in a modem: ca or certificate",
			       file->target);
	if (memchr(file->content.data, '"', file->content.len) ||
	    memchr(file->content.data, 0, file->content.len))
		return err_set(e, ERR_INVALID,
			       "the %s is not text: a modem takes PEM (encoding: pem)", file->name);
	modem_put(&m->modem, MODEM_STORE, type_of(file->target));
	len = strlen(m->modem.command);
	if (file->content.len + 1 > MODEM_COMMAND_MAX - len)
		return err_set(e, FAULT_NO_ROOM,
			       "the %s has %zu bytes, and a command to the modem at most %d",
			       file->name, file->content.len, MODEM_COMMAND_MAX);
	memcpy(m->modem.command + len, file->content.data, file->content.len);
	memcpy(m->modem.command + len + file->content.len, "\"", 2);
	return true;
}

static bool try_store(struct nrf91 *m, const struct board_file *file, int64_t deadline,
		      struct err *e)
{
	return put_store(m, file, e) && modem_send(&m->modem, MODEM_STORE, deadline, e);
}

/* What was there before is deleted; a modem that was restarted is put offline again. */
static bool store_file(void *state, void *context, int64_t deadline, struct err *e)
{
	const struct board_file *file = context;
	struct nrf91 *m = state;

	m->unchecked.list[0] = '\0';
	if (try_store(m, file, deadline, e))
		return true;
	if (modem_refused_for(&m->modem, e, MODEM_ACTIVE)) {
		if (!modem_ask(&m->modem, MODEM_OFFLINE, 0, deadline, e))
			return false;
		if (try_store(m, file, deadline, e))
			return true;
	}
	return modem_refused_for(&m->modem, e, MODEM_EXISTS) &&
	       forget(m, type_of(file->target), deadline, e) && try_store(m, file, deadline, e);
}

static bool nrf91_write(void *state, const struct board_file *file, int64_t deadline, struct err *e)
{
	struct nrf91 *m = state;

	if (!line_insist(&m->modem.line, store_file, wake_up, m, (void *)file, deadline, e))
		return err_add(e, "writing the %s", file->name);
	if (m->options->progress)
		m->options->progress(m->options->context, file->content.len, file->content.len);
	return true;
}

/* Behind the `count`th quote; NULL if there are fewer. */
static const char *behind_quote(const char *text, int count)
{
	while (text && count-- > 0) {
		text = strchr(text, '"');
		text = text ? text + 1 : NULL;
	}
	return text;
}

static bool ask_list(void *state, int64_t deadline, struct err *e)
{
	struct nrf91 *m = state;

	return modem_ask(&m->modem, MODEM_LIST, 0, deadline, e);
}

static void put_type_mark(const struct nrf91 *m, unsigned type,
			  char ret_mark[static UNCHECKED_MARK_SIZE])
{
	snprintf(ret_mark, UNCHECKED_MARK_SIZE, "%%CMNG: %u,%u,", m->modem.sec_tag, type);
}

static void put_mark(const void *state, const char *target,
		     char ret_mark[static UNCHECKED_MARK_SIZE])
{
	put_type_mark(state, type_of(target), ret_mark);
}

/* "SHA-256 in hex" */
static bool take_hash(const char *text, uint8_t ret_sha256[static 32])
{
	char hex[2 * 32 + 1];

	if (strcspn(text, "\n") != sizeof(hex) + 1 || *text != '"' || text[sizeof(hex)] != '"')
		return false;
	memcpy(hex, text + 1, sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	return hex_decode(hex, ret_sha256, 32);
}

/* %CMNG: tag,type,"SHA-256","content": the content has line ends of its own. */
static bool read_file(void *state, const struct board_file *file,
		      uint8_t ret_data[static LINE_TEXT_MAX], size_t *ret_len, int64_t deadline,
		      struct err *e)
{
	struct nrf91 *m = state;
	const char *from, *end;

	if (!modem_ask(&m->modem, MODEM_SHOW, type_of(file->target), deadline, e))
		return false;
	from = behind_quote(m->modem.line.answer, 3);
	end = from ? strrchr(from, '"') : NULL;
	if (!end)
		return err_set(e, FAULT_ANSWER,
			       "the modem's answer makes no sense: it shows no content");
	*ret_len = (size_t)(end - from);
	memcpy(ret_data, from, *ret_len);
	return true;
}

static bool has_key(const struct nrf91 *m, const char *list)
{
	char mark[UNCHECKED_MARK_SIZE];

	put_type_mark(m, KEY_TYPE, mark);
	return unchecked_find(list, mark);
}

static bool check_key(void *state, int64_t deadline, struct err *e)
{
	const struct nrf91 *m = state;

	(void)deadline;
	return has_key(m, m->unchecked.list) ||
	       err_set(e, FAULT_PROOF, "the modem's key is not there any more");
}

static bool rewrite(void *state, const struct board_file *file, int64_t deadline, struct err *e)
{
	return store_file(state, (void *)file, deadline, e);
}

static const struct unchecked_ways ways = {
	.board = "the modem",
	.wake_up = wake_up,
	.read_unit = read_unit,
	.rewrite = rewrite,
	.ask_list = ask_list,
	.put_mark = put_mark,
	.take_hash = take_hash,
	.check_key = check_key,
	.read = read_file,
};

static bool nrf91_verify(void *state, const struct board_file *file, bool read_back,
			 int64_t deadline, struct err *e)
{
	struct nrf91 *m = state;

	return unchecked_verify(&m->unchecked, file, read_back, deadline, e);
}

/* --- for the engineer --- */

static bool nrf91_probe(void *state, struct board_report *ret_report, int64_t deadline,
			struct err *e)
{
	struct nrf91 *m = state;
	char mark[UNCHECKED_MARK_SIZE];

	if (!nrf91_identify(m, &ret_report->identity, deadline, e) ||
	    !modem_ask(&m->modem, MODEM_VERSION, 0, deadline, e))
		return false;
	if (*m->modem.line.answer && !text_take(bytes_text(m->modem.line.answer), "firmware",
						FAULT_ANSWER, ret_report->identity.firmware, e))
		return false;
	if (!modem_ask(&m->modem, MODEM_LIST, 0, deadline, e))
		return false;
	put_mark(m, "certificate", mark);
	snprintf(ret_report->state, sizeof(ret_report->state), "sec_tag %u: %s, %s",
		 m->modem.sec_tag, has_key(m, m->modem.line.answer) ? "a key" : "no key",
		 unchecked_find(m->modem.line.answer, mark) ? "a certificate" : "no certificate");
	return true;
}

static struct bytes end_of(enum board_line_end end)
{
	static const char *const ends[] = { "\r", "\n", "\r\n" };

	return end == BOARD_NUL ? bytes_of("", 1) : bytes_text(ends[end]);
}

static void *nrf91_start(const struct board_options *options, struct port *port, struct err *e)
{
	struct nrf91 *m = calloc(1, sizeof(*m));

	if (!m) {
		err_errno(e, ERR_SYSTEM, "no memory for a board");
		return NULL;
	}
	m->settings = &options->settings->nrf91;
	m->options = options;
	m->modem.sec_tag = m->settings->sec_tag;
	m->unchecked = (struct unchecked) {
		.ways = &ways, .line = &m->modem.line, .state = m, .sec_tag = m->settings->sec_tag
	};
	line_start(&m->modem.line, port, options->cancel_fd, end_of(m->settings->line_end), "",
		   options->line_gap_ms);
	return m;
}

const struct driver nrf91_driver = {
	.name = "nrf91",
	.new_key_each_csr = true,
	.unchecked = true,
	.settings = { .kind = BOARD_SETTINGS_NRF91,
		      .nrf91 = { SEC_TAG, BOARD_CR, BOARD_UNIT_IMEI } },
	.targets = targets,
	.targets_text = "ca, certificate",
	.start = nrf91_start,
	.stop = free,
	.identify = nrf91_identify,
	.csr = nrf91_csr,
	.write = nrf91_write,
	.verify = nrf91_verify,
	.probe = nrf91_probe,
};
