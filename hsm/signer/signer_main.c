/* imprint-signer: the daemon that alone holds PIN, token and ledger. See imprint-signer(8). */
#include "hsm/signer/check.h"
#include "hsm/signer/closed.h"
#include "hsm/signer/server.h"

#include "base/confine.h"
#include "base/log.h"
#include "base/mode.h"
#include "base/place.h"

#include <argp.h>
#include <malloc.h>
#include <signal.h>

#define EXIT_CONFIG 78 /* EX_CONFIG: systemd does not start it again */

const char *argp_program_version = "imprint-signer " IMPRINT_VERSION;

static const struct argp_option options[] = {
	{ "check", 'c', NULL, 0,
	  "Look at settings, modes, PIN, token, keys, CA, ledger, clock and disk, and end", 0 },
	{ "dir", 'd', "D", 0, "The station's folder (IMPRINT_DIR)", 0 },
	{ 0 }
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	if (key == 'c')
		*(bool *)state->input = true;
	else if (key == 'd')
		setenv("IMPRINT_DIR", value, 1);
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Signs certificates with the CA key in a PKCS#11 token and keeps the ledger of "
	       "every certificate ever signed. Settings: etc/signer.yaml. Ends by SIGTERM.",
};

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread: they go to the signalfd */
	signal(SIGPIPE, SIG_IGN);
}

static bool run(struct signer *s, struct err *e)
{
	char path[PATH_MAX];

	if (!place_path(PLACE_ETC, "signer.yaml", path, e) ||
	    !settings_load(path, &s->settings, e) || !mode_settings("signer.yaml", e) ||
	    !mode_kept(PLACE_LIB_SIGNER, e) ||
	    !confine(s->settings.token_network ? CONFINE_IP : CONFINE_NO_NETWORK, e))
		return false;
	if (s->settings.training)
		log_event(LOG_WARNING, "training set-up: one user may be station and supervisor",
			  "");
	return signer_open(s, e) && server_run(s, e);
}

int main(int argc, char **argv)
{
	static struct signer signer;
	bool check_only = false, ok;
	struct err e;

	argp_parse(&argp, argc, argv, 0, NULL, &check_only);
	mallopt(M_ARENA_MAX, 2);
	if (check_only) {
		int status = check_signer(&signer);

		signer_close(&signer);
		return status;
	}
	block_signals();
	ok = run(&signer, &e);
	if (!ok)
		log_event(LOG_ERR, "signer cannot serve", "reason=\"%s\"", e.text);
	signer_close(&signer);
	if (!ok)
		closed_say(&e);
	return ok ? 0 : e.code == ERR_PIN ? EXIT_CONFIG : 1;
}
