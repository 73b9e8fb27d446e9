#include "hsm/signer/check.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/confine.h"
#include "base/mode.h"
#include "base/owner.h"
#include "hsm/api/refusal.h"
#include "hsm/token/pin.h"
#include "hsm/token/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define DAY_S 86400
#define PATIENCE_MS 15000
#define DISK_WARN_MB 1024
#define MEGABYTE (1024 * 1024)
#define CONF_LINE_MAX 4352

/* --- files --- */

static bool check_settings(struct signer *s, struct check *c)
{
	char path[PATH_MAX];
	struct err e;

	if (!place_path(PLACE_ETC, "signer.yaml", path, &e) ||
	    !settings_load(path, &s->settings, &e)) {
		check_say(c, CHECK_FAIL, "settings", "%s%s", e.text,
			  e.code == ERR_NOT_FOUND ? ": imprint init makes it" : "");
		return false;
	}
	check_say(c, CHECK_OK, "settings", "%s: station %s%s", path, s->settings.station,
		  s->settings.training ? ", training (one user may be station and supervisor)"
				       : "");
	return true;
}

/* Where softhsm2.conf says that the tokens lie. */
static bool softhsm_folder(const char *conf, char ret_folder[static PATH_MAX])
{
	AUTO(FILE) file = fopen(conf, "re");
	char line[CONF_LINE_MAX];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " directories.tokendir = %4095[^\n]", ret_folder) == 1)
			return true;
	return false;
}

static bool token_modes(const struct settings *settings, struct err *e)
{
	char folder[PATH_MAX];

	return !*settings->softhsm_conf || !softhsm_folder(settings->softhsm_conf, folder) ||
	       mode_private(folder, e);
}

static void check_modes(const struct signer *s, bool is_other, struct check *c)
{
	struct err e;
	bool settings = check_that(c, "files", mode_settings("signer.yaml", &e), &e);
	bool kept = check_that(c, "files", mode_kept(PLACE_LIB_SIGNER, &e), &e);
	bool usable = is_other ||
		      check_that(c, "files", mode_usable(PLACE_LIB_SIGNER, OWNER_SIGNER, &e), &e);
	bool token = token_modes(&s->settings, &e) || e.code != ERR_REFUSED;

	if (check_that(c, "files", token, &e) && settings && kept && usable)
		check_say(c, CHECK_OK, "files",
			  "nobody else may change settings and products, or reach "
			  "the signer's folder");
}

struct product_count {
	struct check *check;
	unsigned good, bad;
};

static bool check_product(void *context, const char *path, struct err *e)
{
	struct product_count *count = context;
	AUTO(product) product = NULL;

	if (product_load(path, &product, e)) {
		count->good++;
		return true;
	}
	count->bad++;
	check_say(count->check, CHECK_FAIL, "product", "%s", e->text);
	return true;
}

static void check_products(struct check *c)
{
	struct product_count count = { c, 0, 0 };
	struct err e;

	if (!place_products(check_product, &count, &e))
		check_say(c, CHECK_FAIL, "product", "%s", e.text);
	else if (count.good)
		check_say(c, CHECK_OK, "product", "%u can be certified", count.good);
	else if (!count.bad)
		check_say(c, CHECK_WARN, "product",
			  "there is none yet: write etc/products/NAME.yaml, then imprint product "
			  "check FILE");
}

static void say_disk(struct check *c, uint64_t free_mb)
{
	check_say(c,
		  free_mb < DISK_LEAST_MB  ? CHECK_FAIL
		  : free_mb < DISK_WARN_MB ? CHECK_WARN
					   : CHECK_OK,
		  "disk", "%" PRIu64 " MB free for the ledger%s", free_mb,
		  free_mb < DISK_LEAST_MB  ? "; nothing is issued below 64 MB: make room"
		  : free_mb < DISK_WARN_MB ? "; make room soon"
					   : "");
}

static void check_disk(struct check *c)
{
	char path[PATH_MAX];
	struct statvfs disk;
	struct err e;

	if (place_path(PLACE_LIB_SIGNER, NULL, path, &e) && statvfs(path, &disk) == 0)
		say_disk(c, (uint64_t)disk.f_bavail * disk.f_frsize / MEGABYTE);
}

/* --- PIN, token, keys, CA --- */

/* False if there is no PIN to go on with. */
static bool check_pin(const struct signer *s, struct check *c)
{
	const char *file = s->settings.token.pin_file;
	struct bytes pin;
	struct err e;

	if (!*file && !secure_getenv("CREDENTIALS_DIRECTORY")) {
		check_say(c, CHECK_WARN, "PIN",
			  "a systemd credential, which only the service is given: start "
			  "imprint-signer.service and look again");
		return false;
	}
	if (!pin_read(file, &pin, &e)) {
		check_say(c, CHECK_FAIL, "PIN", "%s", e.text);
		return false;
	}
	pin_release();
	check_say(c, CHECK_OK, "PIN", "%s, for the signer alone", *file ? file : "a credential");
	return true;
}

static void say_ca(struct check *c, const char *subject, int64_t ends_s)
{
	int64_t left_s = ends_s - clock_wall_s();
	char end[CLOCK_TEXT_SIZE];

	check_say(c,
		  left_s < 0	       ? CHECK_FAIL
		  : left_s < CA_WARN_S ? CHECK_WARN
				       : CHECK_OK,
		  "CA", "%s %s %.10s%s", subject, left_s < 0 ? "ended" : "ends",
		  clock_format(ends_s, end),
		  left_s < 0 || left_s < CA_WARN_S ? ": make its successor now (imprint ca create "
						     "--csr FILE)"
						   : "");
}

static bool check_ca(struct signer *s, struct check *c)
{
	char subject[REASON_MAX_LEN + 1];
	struct err e;

	if (!keeper_ca(s, &e)) {
		check_say(c, CHECK_FAIL, "CA", "%s", e.text);
		return false;
	}
	X509_NAME_oneline(X509_get_subject_name(s->ca->certificate), subject, sizeof(subject));
	say_ca(c, subject, s->ca->not_after);
	return true;
}

static void check_keys(struct signer *s, struct check *c)
{
	struct err e;

	if (!keeper_keys(s, s->token, &e)) {
		check_say(c, CHECK_FAIL, "keys", "%s", e.text);
		return;
	}
	check_say(c, CHECK_OK, "keys",
		  "CA key (%s) and head key: in the token, sensitive, not extractable; both sign, "
		  "and fit the CA certificate and the ledger",
		  token_key_type_name(token_type(s->ca->signer)));
}

static void check_token(struct signer *s, bool has_ca, struct check *c)
{
	bool opened;
	struct err e;

	keeper_limit(KEEPER_HUNG_S);
	opened = token_open(&s->settings.token, &s->token, &e);
	if (opened)
		check_say(c, CHECK_OK, "token", "%s opens and takes the PIN",
			  s->settings.token.label);
	else
		check_say(c, CHECK_FAIL, "token", "%s", e.text);
	if (opened && has_ca)
		check_keys(s, c);
	keeper_limit(0);
}

/* --- the ledger, while no signer runs --- */

static void check_ledger(struct signer *s, struct check *c)
{
	struct head head;
	struct err e;

	ledger_head(s->ledger, &head);
	if (!ledger_check_end(s->ledger, &e))
		check_say(c, CHECK_FAIL, "ledger", "%s", e.text);
	else
		check_say(c, CHECK_OK, "ledger",
			  "%" PRIu64
			  " entries, epoch %u; its end fits its tree (all of it: imprint "
			  "ledger verify)",
			  head.size, (unsigned)head.epoch);
}

static void check_clock(struct signer *s, struct check *c)
{
	struct err e;

	guard_start(&s->guard, ledger_last_time(s->ledger));
	if (guard_check(&s->guard, &e))
		check_say(c, CHECK_OK, "clock", "goes on from the ledger's last entry");
	else
		check_say(c, CHECK_FAIL, "clock", "%s", e.text);
}

static void check_stopped(struct signer *s, struct check *c)
{
	bool has_ca;

	check_say(c, CHECK_WARN, "signer",
		  "does not run; this is what it would find: systemctl start imprint-signer");
	check_ledger(s, c);
	check_clock(s, c);
	has_ca = check_ca(s, c);
	if (check_pin(s, c))
		check_token(s, has_ca, c);
	check_disk(c);
}

/* --- a signer that runs --- */

static void say_status(const struct signer_status *status, struct check *c)
{
	check_say(c, CHECK_OK, "signer",
		  "runs, and was asked: it alone can look at token and ledger");
	check_say(c, status->token_ok ? CHECK_OK : CHECK_FAIL, "token", "%s",
		  status->token_ok ? "opened with its PIN; the keys in it fit the CA"
				   : status->trouble);
	check_say(c, CHECK_OK, "ledger", "%" PRIu64 " entries", status->entries);
	if (status->token_ok)
		check_say(c, *status->trouble ? CHECK_FAIL : CHECK_OK, "clock", "%s",
			  *status->trouble ? status->trouble
					   : "goes on from the ledger's last entry");
	if (*status->ca_subject)
		say_ca(c, status->ca_subject, status->ca_ends);
	say_disk(c, status->disk_free_mb);
}

static void check_running(struct check *c)
{
	static uint8_t record[MESSAGE_MAX];
	struct request request = { .type = REQUEST_STATUS };
	struct reply reply;
	AUTO(fd) fd = -1;
	struct err e;

	if (signer_connect(&fd, &e) &&
	    signer_call(fd, &request, -1, record, &reply, clock_deadline(PATIENCE_MS), -1, &e))
		say_status(&reply.status, c);
	else
		check_say(c,
			  e.code == REFUSAL_PERMISSION || e.code == ERR_REFUSED ? CHECK_WARN
										: CHECK_FAIL,
			  "signer", "%s", e.text);
}

/* --- all of it --- */

/* Other people than root and the signer can only ask the one that runs. */
static bool may_look(void)
{
	char path[PATH_MAX];
	struct err e;

	return place_path(PLACE_LIB_SIGNER, NULL, path, &e) &&
	       (faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) == 0 || errno == ENOENT);
}

static void check_service(struct signer *s, struct check *c)
{
	struct err e;

	if (!may_look()) {
		check_running(c);
		return;
	}
	if (!place_path(PLACE_LIB_SIGNER, "ledger.db", s->ledger_path, &e) ||
	    !ledger_open(s->ledger_path, &s->ledger, &e)) {
		if (e.code != ERR_BUSY) {
			check_say(c, CHECK_FAIL, "ledger", "%s", e.text);
			return;
		}
		if (*s->settings.token.pin_file)
			check_pin(s, c);
		check_running(c);
		return;
	}
	check_stopped(s, c);
}

int check_signer(struct signer *s)
{
	struct check c = { 0 };
	struct owner owner;
	struct err e;

	umask(077);
	if (!owner_find(OWNER_SIGNER, &owner, &e) || !seal_open(owner.uid, owner.gid, &e) ||
	    !owner_become(&owner, &e)) {
		check_say(&c, CHECK_FAIL, "users", "%s", e.text);
		return check_exit(&c);
	}
	if (!check_settings(s, &c))
		return check_exit(&c);
	if (!confine(s->settings.token_network ? CONFINE_IP : CONFINE_NO_NETWORK, &e))
		check_say(&c, CHECK_FAIL, "signer", "%s", e.text);
	check_modes(s, owner.is_other, &c);
	check_products(&c);
	check_service(s, &c);
	return check_exit(&c);
}
