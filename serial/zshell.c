/* The driver of boards with Zephyr's shell on their console: `nrf_cloud_cred` makes the key and its
 * requests, `cred` holds the files under the product's sec_tag. There is no checksum on this wire,
 * and one flipped bit makes another sec_tag: the unit id is read twice, the signer checks the CSR's
 * signature, and in the end the public key under the sec_tag must be the CSR's and `cred list` have
 * the SHA-256 of each file there. Source: Zephyr "TLS credentials shell", nRF Connect SDK
 * "nrf_cloud_cred". */
#include "base/clock.h"
#include "serial/base64.h"
#include "serial/driver.h"
#include "serial/fault.h"
#include "serial/line.h"
#include "serial/text.h"
#include "serial/unchecked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_RAW 36 /* bytes; 48 characters in a line of 57: a shell's ring buffer has 64 */
#define COMMAND_MAX 255
#define SEC_TAG 16842753 /* nRF Cloud's, where the product says nothing */
#define PIECE_TRIES 3
#define LIST_COMMAND "cred list %u"
#define POINT_SIZE 65 /* of a public key on P-256, not compressed */

struct zshell {
	const struct board_zshell *settings;
	const struct board_options *options;
	struct line line;
	struct unchecked unchecked;
	uint8_t csr[BOARD_CSR_MAX];
	size_t csr_len;
	bool key_checked; /* since something was last written */
	char command[COMMAND_MAX + 1];
};

#define UNKNOWN                                                                                    \
	"hwinfo: command not found", "cred: command not found", "nrf_cloud_cred: command not found"

static const char *const refused[] = { UNKNOWN, NULL };
static const char *const id_refused[] = { UNKNOWN, "Not supported by hardware", "Error: *", NULL };
static const char *const keygen_refused[] = { UNKNOWN, "Key already exists in sec tag *",
					      "Key generation failed: *", "Invalid sec tag*",
					      NULL };
static const char *const csr_refused[] = { UNKNOWN, "CSR generation failed: *",
					   "Base64 encoding failed: *", "Invalid sec tag*", NULL };
static const char *const public_refused[] = { UNKNOWN, "Public key export failed: *",
					      "Base64 encoding failed: *", "Invalid sec tag*",
					      NULL };
static const char *const piece_refused[] = { UNKNOWN, "Not enough room in credential buffer *",
					     NULL };
static const char *const add_refused[] = { UNKNOWN,
					   "TLS credential with sectag *", /* … already exists. */
					   "Failed to add TLS credential *",
					   "Could not decode input from base64, *",
					   "Please provide a credential to add.",
					   "No reference slot available, *",
					   "Not enough heap for TLS credential *",
					   NULL };
static const char *const delete_refused[] = { UNKNOWN, "There is no TLS credential *",
					      "Deleting TLS credential *", NULL };
static const char *const show_refused[] = { UNKNOWN, "There is no TLS credential *",
					    "Not enough room in the credential buffer *",
					    "Could not retrieve TLS credential *", NULL };

enum verb { WAKE, DEVICE_ID, KEYGEN, REQUEST, PUBLIC_KEY, PIECE, ADD, LIST, SHOW, DELETE };

/* clang-format off */
static const struct line_command commands[] = {
	/* keep, done, refused, ms, tries, may be empty, quoted */
	[WAKE]       = { NULL, "# credentials found.", refused, 300, 1, false, false },
	[DEVICE_ID]  = { "ID: 0x*", NULL, id_refused, 600, 3, false, false },
	[KEYGEN]     = { NULL, "Generated device key in sec tag #", keygen_refused, 3000, 2, false, false },
	[REQUEST]    = { "CSR: ~", "CSR generation complete", csr_refused, 3000, 2, true, false },
	[PUBLIC_KEY] = { "PUBKEY: ~", "Public key export complete", public_refused, 2000, 1, true, false },
	[PIECE]      = { "Stored # bytes.", NULL, piece_refused, 600, 1, false, false },
	[ADD]        = { NULL, "Added TLS credential *", add_refused, 2500, 1, false, false },
	[LIST]       = { "#,*", "# credentials found.", refused, 2000, 1, true, false },
	[SHOW]       = { "~", "Credential buffer cleared.", show_refused, 2000, 1, true, false },
	[DELETE]     = { NULL, "Deleted TLS credential *", delete_refused, 2000, 2, false, false },
};
/* clang-format on */

static bool refusal_is(const struct zshell *z, const struct err *e, const char *pattern)
{
	return e->code == FAULT_REFUSED && line_matches(pattern, z->line.refusal);
}

/* The refusals that an engineer can do something about. */
static bool explain(const struct zshell *z, struct err *e)
{
	if (refusal_is(z, e, piece_refused[3]))
		return err_set(e, FAULT_NO_ROOM,
			       "the file is too long for its shell; the firmware needs a larger "
			       "CONFIG_TLS_CREDENTIALS_SHELL_CRED_BUF_SIZE");
	if (e->code == FAULT_REFUSED && strstr(z->line.refusal, ": command not found"))
		return err_set(e, FAULT_REFUSED,
			       "its shell does not know a command that is needed (%s); is the "
			       "provisioning firmware on it?",
			       z->line.refusal);
	return false;
}

static bool send_command(struct zshell *z, enum verb verb, int64_t deadline, struct err *e)
{
	return line_ask(&z->line, bytes_text(z->command), &commands[verb], deadline, e) ||
	       explain(z, e);
}

static unsigned tag_of(const struct zshell *z)
{
	return z->settings->sec_tag;
}

/* --- who is it? --- */

/* What an earlier run, or noise, left in its buffer for credentials is thrown away: a shell says
 * nothing to that where there was nothing. Then a list, which does no harm and is always answered.
 */
static bool wake_up(void *state, void *context, int64_t deadline, struct err *e)
{
	struct zshell *z = state;

	(void)context;
	z->key_checked = false;
	if (!line_poke(&z->line, bytes_text("cred buf clear"), deadline, e))
		return false;
	snprintf(z->command, sizeof(z->command), LIST_COMMAND, tag_of(z));
	return line_await(&z->line, bytes_text(z->command), &commands[WAKE], NULL, deadline, e) ||
	       explain(z, e);
}

static bool read_unit(void *state, char ret_unit[static BOARD_TEXT_MAX + 1], int64_t deadline,
		      struct err *e)
{
	struct zshell *z = state;

	ret_unit[0] = '\0';
	if (z->settings->unit == BOARD_UNIT_NONE)
		return true;
	strcpy(z->command, "hwinfo devid");
	return send_command(z, DEVICE_ID, deadline, e) &&
	       text_take(bytes_text(z->line.answer + strlen("ID: 0x")), "unit", FAULT_UNIT_TEXT,
			 ret_unit, e);
}

static bool zshell_identify(void *state, struct board_identity *ret_identity, int64_t deadline,
			    struct err *e)
{
	struct zshell *z = state;
	struct board_identity identity = { 0 };

	if (!unchecked_identify(&z->unchecked, identity.unit, deadline, e))
		return false;
	*ret_identity = identity;
	return true;
}

/* --- key and CSR --- */

/* One that is there stays: its request is made anew each time, and the key is the same. */
static bool make_key(struct zshell *z, int64_t deadline, struct err *e)
{
	snprintf(z->command, sizeof(z->command), "nrf_cloud_cred keygen %u", tag_of(z));
	return send_command(z, KEYGEN, deadline, e) ||
	       refusal_is(z, e, "Key already exists in sec tag *");
}

static bool try_csr(void *state, void *context, int64_t deadline, struct err *e)
{
	struct zshell *z = state;

	(void)context;
	if (!make_key(z, deadline, e))
		return false;
	snprintf(z->command, sizeof(z->command), "nrf_cloud_cred csr %u CN=board", tag_of(z));
	if (!send_command(z, REQUEST, deadline, e))
		return false;
	if (!*z->line.answer ||
	    !base64_decode(bytes_text(z->line.answer + strlen("CSR: ")), BASE64_STANDARD, z->csr,
			   sizeof(z->csr), &z->csr_len))
		return err_set(e, FAULT_ANSWER,
			       "the shell's answer makes no sense: the CSR is not base64");
	return true;
}

static bool zshell_csr(void *state, uint8_t *ret_csr, size_t *ret_len, int64_t deadline,
		       struct err *e)
{
	struct zshell *z = state;

	if (!line_insist(&z->line, try_csr, wake_up, z, NULL, deadline, e))
		return err_add(e, "reading the CSR");
	memcpy(ret_csr, z->csr, z->csr_len);
	*ret_len = z->csr_len;
	return true;
}

/* The key under the sec_tag must be the one that asked for the certificate. */
static bool compare_key(struct zshell *z, int64_t deadline, struct err *e)
{
	uint8_t point[POINT_SIZE];
	size_t len;

	if (z->key_checked)
		return true;
	snprintf(z->command, sizeof(z->command), "nrf_cloud_cred pubkey %u", tag_of(z));
	if (!send_command(z, PUBLIC_KEY, deadline, e))
		return false;
	if (!*z->line.answer ||
	    !base64_decode(bytes_text(z->line.answer + strlen("PUBKEY: ")), BASE64_STANDARD, point,
			   sizeof(point), &len) ||
	    len != sizeof(point))
		return err_set(e, FAULT_ANSWER,
			       "the shell's answer makes no sense: it is no public key");
	z->key_checked = memmem(z->csr, z->csr_len, point, sizeof(point)) != NULL;
	return z->key_checked ||
	       err_set(e, FAULT_PROOF, "its key is not the one that it asked a certificate for");
}

/* --- files --- */

static const char *const targets[] = { "ca", "certificate", NULL };

static const char *type_of(const char *target)
{
	return strcmp(target, "ca") == 0 ? "CA" : "SERV";
}

static void progress(const struct zshell *z, size_t done, size_t total)
{
	if (z->options->progress)
		z->options->progress(z->options->context, done, total);
}

static bool try_piece(struct zshell *z, size_t len, int64_t deadline, struct err *e)
{
	char wanted[32];

	snprintf(wanted, sizeof(wanted), "Stored %zu bytes.", len);
	if (!send_command(z, PIECE, deadline, e))
		return false;
	return strcmp(z->line.answer, wanted) == 0 ||
	       err_set(e, FAULT_ANSWER, "a line did not arrive whole (%.40s)", z->line.answer);
}

/* Where not even an echo comes, the shell heard nothing, and hears it again. Where something came,
 * it is in the buffer by all likelihood: what the list says of the file in the end will tell. */
static bool send_piece(struct zshell *z, struct bytes piece, int64_t deadline, struct err *e)
{
	char text[BASE64_TEXT_LEN(PIECE_RAW) + 1];

	base64_encode(piece, text);
	snprintf(z->command, sizeof(z->command), "cred buf %s", text);
	for (int tries = 1; !try_piece(z, strlen(text), deadline, e); tries++) {
		if (e->code == FAULT_GARBAGE && z->line.received <= LINE_RECEIVED_MAX)
			return true;
		if (e->code != FAULT_SILENT || tries == PIECE_TRIES)
			return false;
	}
	return true;
}

static bool fill_buffer(struct zshell *z, const struct board_file *file, int64_t deadline,
			struct err *e)
{
	size_t len = file->content.len;

	for (size_t at = 0; at < len; at += PIECE_RAW) {
		size_t piece = len - at < PIECE_RAW ? len - at : PIECE_RAW;

		if (!send_piece(z, bytes_of(file->content.data + at, piece), deadline, e))
			return false;
		progress(z, at + piece, len);
	}
	return true;
}

static bool add(struct zshell *z, const struct board_file *file, int64_t deadline, struct err *e)
{
	snprintf(z->command, sizeof(z->command), "cred add %u %s DEFAULT bin", tag_of(z),
		 type_of(file->target));
	return send_command(z, ADD, deadline, e);
}

static bool forget(struct zshell *z, const struct board_file *file, int64_t deadline, struct err *e)
{
	snprintf(z->command, sizeof(z->command), "cred del %u %s", tag_of(z),
		 type_of(file->target));
	return send_command(z, DELETE, deadline, e) ||
	       refusal_is(z, e, "There is no TLS credential *");
}

/* The shell forgets its buffer when it refuses: all is sent again. */
static bool write_file(void *state, void *context, int64_t deadline, struct err *e)
{
	const struct board_file *file = context;
	struct zshell *z = state;

	z->unchecked.list[0] = '\0';
	z->key_checked = false;
	if (!fill_buffer(z, file, deadline, e))
		return false;
	if (add(z, file, deadline, e))
		return true;
	return refusal_is(z, e, "TLS credential with sectag *") && forget(z, file, deadline, e) &&
	       fill_buffer(z, file, deadline, e) && add(z, file, deadline, e);
}

static bool zshell_write(void *state, const struct board_file *file, int64_t deadline,
			 struct err *e)
{
	struct zshell *z = state;

	return line_insist(&z->line, write_file, wake_up, z, (void *)file, deadline, e) ||
	       err_add(e, "writing the %s", file->name);
}

static bool ask_list(void *state, int64_t deadline, struct err *e)
{
	struct zshell *z = state;

	snprintf(z->command, sizeof(z->command), LIST_COMMAND, tag_of(z));
	return send_command(z, LIST, deadline, e);
}

/* tag,TYPE,base64 of the SHA-256,0 */
static void put_mark(const void *state, const char *target,
		     char ret_mark[static UNCHECKED_MARK_SIZE])
{
	snprintf(ret_mark, UNCHECKED_MARK_SIZE, "%u,%s,", tag_of(state), type_of(target));
}

static bool take_hash(const char *text, uint8_t ret_sha256[static 32])
{
	size_t len = strcspn(text, ",");

	return strncmp(text + len, ",0", 2) == 0 &&
	       base64_decode(bytes_of(text, len), BASE64_STANDARD, ret_sha256, 32, &len) &&
	       len == 32;
}

/* Each line is base64 of its own. */
static bool read_file(void *state, const struct board_file *file,
		      uint8_t ret_data[static LINE_TEXT_MAX], size_t *ret_len, int64_t deadline,
		      struct err *e)
{
	struct zshell *z = state;
	size_t at = 0, len;

	snprintf(z->command, sizeof(z->command), "cred get %u %s bin", tag_of(z),
		 type_of(file->target));
	if (!send_command(z, SHOW, deadline, e))
		return false;
	for (const char *line = z->line.answer; *line; line += *line == '\n') {
		size_t text_len = strcspn(line, "\n");

		if (!base64_decode(bytes_of(line, text_len), BASE64_STANDARD, ret_data + at,
				   LINE_TEXT_MAX - at, &len))
			return err_set(e, FAULT_ANSWER,
				       "the shell's answer makes no sense: it is not base64");
		at += len;
		line += text_len;
	}
	*ret_len = at;
	return true;
}

static bool check_key(void *state, int64_t deadline, struct err *e)
{
	return compare_key(state, deadline, e) || err_add(e, "asking for the public key");
}

static bool rewrite(void *state, const struct board_file *file, int64_t deadline, struct err *e)
{
	return forget(state, file, deadline, e) && write_file(state, (void *)file, deadline, e);
}

static const struct unchecked_ways ways = {
	.board = "the shell",
	.wake_up = wake_up,
	.read_unit = read_unit,
	.rewrite = rewrite,
	.ask_list = ask_list,
	.put_mark = put_mark,
	.take_hash = take_hash,
	.check_key = check_key,
	.read = read_file,
};

static bool zshell_verify(void *state, const struct board_file *file, bool read_back,
			  int64_t deadline, struct err *e)
{
	struct zshell *z = state;

	return unchecked_verify(&z->unchecked, file, read_back, deadline, e);
}

/* --- for the engineer --- */

static bool zshell_probe(void *state, struct board_report *ret_report, int64_t deadline,
			 struct err *e)
{
	struct zshell *z = state;
	bool key, certificate;

	if (!zshell_identify(z, &ret_report->identity, deadline, e) || !ask_list(z, deadline, e))
		return false;
	key = strstr(z->line.answer, ",PK_PSA,") || strstr(z->line.answer, ",PK,");
	certificate = strstr(z->line.answer, ",SERV,");
	snprintf(ret_report->state, sizeof(ret_report->state), "sec_tag %u: %s, %s", tag_of(z),
		 key ? "a key" : "no key", certificate ? "a certificate" : "no certificate");
	return true;
}

static void *zshell_start(const struct board_options *options, struct port *port, struct err *e)
{
	struct zshell *z = calloc(1, sizeof(*z));

	if (!z) {
		err_errno(e, ERR_SYSTEM, "no memory for a board");
		return NULL;
	}
	z->settings = &options->settings->zshell;
	z->options = options;
	z->unchecked = (struct unchecked) {
		.ways = &ways, .line = &z->line, .state = z, .sec_tag = z->settings->sec_tag
	};
	line_start(&z->line, port, options->cancel_fd, bytes_text("\r"), z->settings->prompt,
		   options->line_gap_ms);
	return z;
}

const struct driver zshell_driver = {
	.name = "zshell",
	.unchecked = true,
	.settings = { .kind = BOARD_SETTINGS_ZSHELL,
		      .zshell = { SEC_TAG, BOARD_UNIT_HWINFO, "uart:~$ " } },
	.targets = targets,
	.targets_text = "ca, certificate",
	.start = zshell_start,
	.stop = free,
	.identify = zshell_identify,
	.csr = zshell_csr,
	.write = zshell_write,
	.verify = zshell_verify,
	.probe = zshell_probe,
};
