/* recipe: one board from its first answer to "installed": a real virtual board (rig-boards, beside
 * this program) on one side, a signer that plays a scene on the other. */
#include "station/recipe.h"

#include "base/clock.h"
#include "base/place.h"
#include "base/socket.h"
#include "hsm/api/refusal.h"
#include "hsm/api/request.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#define CALLERS_MAX 4

/* What the signer does; each twist happens once unless it says always. */
enum twist {
	TWIST_NONE,
	TWIST_NO_ORDER,
	TWIST_NO_PRODUCT,
	TWIST_REFUSE_BOARD,   /* the board is to blame */
	TWIST_REFUSE_STATION, /* the station is */
	TWIST_HANG_UP,	      /* on the question for a certificate */
	TWIST_TOKEN,	      /* "wait" once */
	TWIST_NONCE,	      /* forgotten once */
	TWIST_NONCE_ALWAYS,
	TWIST_OTHER_CERTIFICATE, /* forgotten, and then another certificate */
	TWIST_ODD_FILE,		 /* one that the station's part does not name */
	TWIST_FILE_MISSING,	 /* one fewer than it names */
	TWIST_NONSENSE,		 /* an answer to another question */
};

static struct {
	char folder[64];
	pid_t boards;
	pthread_t thread;
	int listener, end_fd;
	enum twist twist;
	atomic_int issued, installed, twisted;
	atomic_int evidence;
} rig;

/* --- the signer's part --- */

static const char certificate[] = /* longer than the 128 bytes that weak flash keeps */
	"the certificate, as the product encodes it, the certificate, as the product encodes it, "
	"the certificate, as the product encodes it, the certificate, as the product encodes it";
static const char issuer[] = "the issuer";

static void add_file(struct reply *reply, const char *name, const char *content)
{
	struct reply_file *file = &reply->files[reply->file_count++];

	strcpy(file->name, name);
	file->content = bytes_text(content);
	SHA256((const uint8_t *)content, strlen(content), file->sha256);
}

static struct reply refused(int code)
{
	struct reply reply = { .type = REPLY_REFUSED, .code = (uint64_t)code };

	strcpy(reply.text, "the scene wants it so");
	return reply;
}

static bool once(void)
{
	return atomic_fetch_add(&rig.twisted, 1) == 0;
}

static struct reply status(void)
{
	struct reply reply = { .type = REPLY_STATUS };

	strcpy(reply.status.order, rig.twist == TWIST_NO_ORDER ? "" : "DEMO");
	strcpy(reply.status.product, rig.twist == TWIST_NO_PRODUCT ? "none" : "demo");
	return reply;
}

static struct reply issue(const struct request *request)
{
	struct reply reply = { .type = REPLY_ISSUED };
	int times = ++rig.issued;

	if (rig.twist == TWIST_REFUSE_BOARD)
		return refused(REFUSAL_UNIT_OTHER_KEY);
	if (rig.twist == TWIST_REFUSE_STATION)
		return refused(REFUSAL_DISK);
	if (rig.twist == TWIST_TOKEN && once())
		return refused(REFUSAL_TOKEN);
	if (rig.twist == TWIST_NONSENSE)
		return status();
	reply.issuance.state = STATE_ISSUED;
	reply.issuance.unit_source = SOURCE_BOARD;
	strcpy(reply.issuance.unit, request->unit);
	memset(reply.issuance.certificate_id, 0xc1, SHA256_LEN);
	if (rig.twist == TWIST_OTHER_CERTIFICATE)
		reply.issuance.certificate_id[0] = (uint8_t)times;
	memset(reply.nonce, times, sizeof(reply.nonce));
	add_file(&reply, rig.twist == TWIST_ODD_FILE ? "bundle" : "certificate", certificate);
	if (rig.twist != TWIST_FILE_MISSING)
		add_file(&reply, "issuer", issuer);
	return reply;
}

static struct reply installed(const struct request *request)
{
	bool forgets =
		rig.twist == TWIST_NONCE_ALWAYS ||
		((rig.twist == TWIST_NONCE || rig.twist == TWIST_OTHER_CERTIFICATE) && once());
	struct reply reply = { .type = REPLY_DONE };

	if (forgets)
		return refused(REFUSAL_NONCE);
	rig.installed++;
	rig.evidence = (int)request->evidence;
	return reply;
}

static bool answer(int fd)
{
	static uint8_t record[MESSAGE_MAX];
	struct request request;
	struct reply reply;
	struct err e;
	size_t len;

	if (!socket_receive(fd, record, &len, NULL, clock_deadline(60000), -1, &e) ||
	    !request_decode(bytes_of(record, len), &request))
		return false;
	if (request.type == REQUEST_ISSUE && rig.twist == TWIST_HANG_UP && once())
		return false;
	reply = request.type == REQUEST_STATUS	? status()
		: request.type == REQUEST_ISSUE ? issue(&request)
						: installed(&request);
	return reply_encode(&reply, record, &len) &&
	       socket_send(fd, bytes_of(record, len), -1, clock_deadline(60000), -1, &e);
}

static void *serve(void *unused)
{
	struct pollfd fds[2 + CALLERS_MAX] = { { rig.end_fd, POLLIN, 0 },
					       { rig.listener, POLLIN, 0 } };
	struct err e;

	(void)unused;
	for (int i = 2; i < 2 + CALLERS_MAX; i++)
		fds[i] = (struct pollfd) { -1, POLLIN, 0 };
	while (poll(fds, 2 + CALLERS_MAX, -1) > 0 && !fds[0].revents) {
		for (int i = 2; i < 2 + CALLERS_MAX; i++) {
			if (fds[i].fd >= 0 && fds[i].revents && !answer(fds[i].fd)) {
				close(fds[i].fd);
				fds[i].fd = -1;
			} else if (fds[i].fd < 0 && fds[1].revents) {
				fds[1].revents = 0;
				if (!socket_accept(rig.listener, &fds[i].fd, &e))
					fds[i].fd = -1;
			}
		}
	}
	for (int i = 2; i < 2 + CALLERS_MAX; i++)
		if (fds[i].fd >= 0)
			close(fds[i].fd);
	return NULL;
}

/* --- the folder and the boards --- */

static bool write_file(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", rig.folder, name);
	file = fopen(path, "w");
	return file && fputs(text, file) >= 0 && fclose(file) == 0;
}

static void write_product(bool read_back, const char *prove)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "certificate: {}\n"
		 "board:\n"
		 "  driver: prov\n"
		 "  read_back: %s\n"
		 "%s"
		 "  files:\n"
		 "    - { name: issuer, target: issuer }\n"
		 "    - { name: certificate, target: certificate }\n",
		 read_back ? "yes" : "no", prove);
	assert_true(write_file("etc/products/demo.yaml", text));
}

static bool make_folders(void)
{
	static const char *const names[] = { "etc", "etc/products", "run", "run/signer", "boards" };
	char path[PATH_MAX];

	strcpy(rig.folder, "/tmp/imprint-test-XXXXXX");
	if (!mkdtemp(rig.folder) || setenv("IMPRINT_DIR", rig.folder, 1) < 0)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", rig.folder, names[i]);
		if (mkdir(path, 0755) < 0)
			return false;
	}
	return true;
}

static bool start_boards(void)
{
	char program[PATH_MAX], boards[PATH_MAX], ready[PATH_MAX + 8];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 16);
	int64_t deadline = clock_deadline(60000);

	if (len < 0)
		return false;
	program[len] = '\0';
	strcpy(strrchr(program, '/') + 1, "rig-boards");
	snprintf(boards, sizeof(boards), "%s/boards", rig.folder);
	snprintf(ready, sizeof(ready), "%s/ready", boards);
	rig.boards = fork();
	if (rig.boards == 0) {
		execl(program, program, "--dir", boards, "--nests", "A1,A2,A3", "--fault",
		      "A2=mute", "--fault", "A3=flash-weak", NULL);
		_exit(127);
	}
	while (access(ready, F_OK) < 0 && clock_monotonic_ms() < deadline)
		poll(NULL, 0, 5);
	return access(ready, F_OK) == 0;
}

static int bring_up(void **state)
{
	struct err e;
	int dir;

	(void)state;
	if (!make_folders() || !start_boards())
		return -1;
	rig.end_fd = eventfd(0, EFD_CLOEXEC);
	if (!place_open(PLACE_RUN_SIGNER, false, &dir, &e) ||
	    !socket_listen(dir, SIGNER_SOCKET, 0600, &rig.listener, &e))
		return -1;
	close(dir);
	return pthread_create(&rig.thread, NULL, serve, NULL);
}

static int take_down(void **state)
{
	char command[128];

	(void)state;
	eventfd_write(rig.end_fd, 1);
	pthread_join(rig.thread, NULL);
	kill(rig.boards, SIGTERM);
	waitpid(rig.boards, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", rig.folder);
	return system(command);
}

/* --- the scenes --- */

static struct run play(const char *nest, enum twist twist, int cancel_fd)
{
	static struct station_settings settings = {
		.timeouts = { 0, 60000, 60000, 60000, 60000 },
	};
	struct control_nest first = { 0 };
	struct station_nest where = { 0 };
	struct catalogue *catalogue;
	const char *remedy;
	struct box box;
	struct run run;
	struct err e;

	strcpy(where.name, nest);
	snprintf(where.port, sizeof(where.port), "pty:%s/boards/%s.pty", rig.folder, nest);
	settings.timeouts.identify_ms = cancel_fd < 0 && strcmp(nest, "A2") == 0 ? 1500 : 60000;
	rig.twist = twist;
	rig.issued = rig.installed = rig.twisted = rig.evidence = 0;
	assert_true(catalogue_new(&catalogue, &e));
	box_init(&box, &first, -1);
	recipe_run(&(struct recipe_input) { .settings = &settings,
					    .nest = &where,
					    .catalogue = catalogue,
					    .operator= "Wang",
					    .unit = "",
					    .cancel_fd = cancel_fd,
					    .box = &box },
		   &run, &remedy);
	assert_int_equal(*remedy == '\0', run.outcome == OUTCOME_PASS);
	catalogue_free(catalogue);
	return run;
}

static void scenes(void **state)
{
	static const struct {
		const char *name, *nest;
		enum twist twist;
		enum outcome outcome;
		const char *code, *step;
		int issued, installed;
	} rows[] = {
		{ "a good board", "A1", TWIST_NONE, OUTCOME_PASS, "", "finish", 1, 1 },
		{ "the same again", "A1", TWIST_NONE, OUTCOME_PASS, "", "finish", 1, 1 },
		{ "no order", "A1", TWIST_NO_ORDER, OUTCOME_ERROR, "order-none", "order", 0, 0 },
		{ "no product", "A1", TWIST_NO_PRODUCT, OUTCOME_ERROR, "settings", "order", 0, 0 },
		{ "the board is to blame", "A1", TWIST_REFUSE_BOARD, OUTCOME_FAIL, "unit-other-key",
		  "certificate", 1, 0 },
		{ "the station is", "A1", TWIST_REFUSE_STATION, OUTCOME_ERROR, "disk",
		  "certificate", 1, 0 },
		{ "the signer hangs up once", "A1", TWIST_HANG_UP, OUTCOME_PASS, "", "finish", 1,
		  1 },
		{ "the token is away once", "A1", TWIST_TOKEN, OUTCOME_PASS, "", "finish", 2, 1 },
		{ "the nonce is forgotten", "A1", TWIST_NONCE, OUTCOME_PASS, "", "finish", 2, 1 },
		{ "and again", "A1", TWIST_NONCE_ALWAYS, OUTCOME_ERROR, "nonce", "installed", 2,
		  0 },
		{ "two certificates in one run", "A1", TWIST_OTHER_CERTIFICATE, OUTCOME_ERROR,
		  "request", "certificate", 2, 0 },
		{ "a file without a target", "A1", TWIST_ODD_FILE, OUTCOME_ERROR, "settings",
		  "certificate", 1, 0 },
		{ "a target without a file", "A1", TWIST_FILE_MISSING, OUTCOME_ERROR, "settings",
		  "certificate", 1, 0 },
		{ "nonsense", "A1", TWIST_NONSENSE, OUTCOME_ERROR, "request", "certificate", 1, 0 },
		{ "a mute board", "A2", TWIST_NONE, OUTCOME_FAIL, "F10", "identify", 0, 0 },
		{ "weak flash", "A3", TWIST_NONE, OUTCOME_FAIL, "F21", "verify", 1, 0 },
	};

	(void)state;
	write_product(false, "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run run = play(rows[i].nest, rows[i].twist, -1);

		if (run.outcome != rows[i].outcome || strcmp(run.code, rows[i].code) != 0 ||
		    strcmp(run.step, rows[i].step) != 0 || rig.issued != rows[i].issued ||
		    rig.installed != rows[i].installed)
			fail_msg("%s: %s, code %s, step %s, issued %d, installed %d: %s",
				 rows[i].name, control_outcome_name(run.outcome), run.code,
				 run.step, rig.issued, rig.installed, run.text);
	}
}

static void evidence_is_what_was_done(void **state)
{
	static const struct {
		bool read_back;
		const char *prove;
		enum evidence evidence;
		const char *text;
	} rows[] = {
		{ false, "", EVIDENCE_SIGNED, "installed, proved by the board's signature" },
		{ true, "  prove: yes\n", EVIDENCE_SIGNED,
		  "installed, proved by the board's signature" },
		{ false, "  prove: no\n", EVIDENCE_DIGEST, "installed, the board's digest agrees" },
		{ true, "  prove: no\n", EVIDENCE_READ_BACK, "installed, read back and compared" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run run;

		write_product(rows[i].read_back, rows[i].prove);
		run = play("A1", TWIST_NONE, -1);
		assert_int_equal(run.outcome, OUTCOME_PASS);
		assert_string_equal(run.text, rows[i].text);
		assert_string_equal(run.evidence, evidence_name(rows[i].evidence));
		assert_int_equal(rig.evidence, rows[i].evidence);
	}
}

static void a_run_records_what_it_did(void **state)
{
	struct run run;

	(void)state;
	write_product(false, "");
	run = play("A1", TWIST_NONE, -1);
	assert_string_equal(run.unit, "T-0001");
	assert_string_equal(run.order, "DEMO");
	assert_string_equal(run.product, "demo");
	assert_string_equal(run.operator, "Wang");
	assert_string_equal(run.nest, "A1");
	assert_int_equal(strspn(run.certificate_id, "c1"), 64);
	assert_true(run.bytes > strlen(certificate) + strlen(issuer));
}

static void a_cancelled_run_is_aborted(void **state)
{
	int cancel_fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	struct run run;

	(void)state;
	write_product(false, "");
	run = play("A2", TWIST_NONE, cancel_fd);
	assert_int_equal(run.outcome, OUTCOME_ABORTED);
	assert_string_equal(run.code, "aborted");
	assert_true(run.duration_ms < 30000);
	close(cancel_fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenes),
		cmocka_unit_test(evidence_is_what_was_done),
		cmocka_unit_test(a_run_records_what_it_did),
		cmocka_unit_test(a_cancelled_run_is_aborted),
	};

	return cmocka_run_group_tests(tests, bring_up, take_down);
}
