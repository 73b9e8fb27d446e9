#include "base/confine.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

AUTO_DEFINE(filter, scmp_filter_ctx, seccomp_release)

/* The leak checker of a build for tests looks into its own process. */
#ifdef __SANITIZE_ADDRESS__
#define TRACE
#else
#define TRACE SCMP_SYS(ptrace),
#endif

/* adjtimex stays: it tells whether the clock is synchronised, and sets nothing without a capability. */
/* clang-format off */
static const int refused[] = {
	TRACE SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(kcmp), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(move_mount),
	SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsmount), SCMP_SYS(mount_setattr),
	SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns),
	SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(reboot), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(delete_module), SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
	SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid),
	SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(setfsuid),
	SCMP_SYS(setfsgid), SCMP_SYS(capset), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime),
	SCMP_SYS(acct), SCMP_SYS(quotactl),
	SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(mknod), SCMP_SYS(mknodat),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(name_to_handle_at), SCMP_SYS(vhangup),
	SCMP_SYS(personality),
};
/* clang-format on */

static int refuse_all(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* New namespaces bring capabilities. What clone3 is asked for a filter cannot see; told that there is
 * none, the library starts its threads with clone. */
static int refuse_namespaces(scmp_filter_ctx filter)
{
	static const scmp_datum_t flags[] = { CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
					      CLONE_NEWNET,   CLONE_NEWIPC, CLONE_NEWUTS,
					      CLONE_NEWCGROUP };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
					  SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));

		if (rc < 0)
			return rc;
	}
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* A daemon that is run by hand has the terminal of a shell, and could type into it. */
static int refuse_typing(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
				SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, TIOCSTI));
}

/* Every family but those of the table: by ranges, for a filter has no "none of". */
static int refuse_families(scmp_filter_ctx filter, enum confine_network network)
{
	static const scmp_datum_t families[] = { AF_UNIX, AF_INET, AF_INET6 };
	size_t count = network == CONFINE_IP ? 3 : 1;
	scmp_datum_t from = 0;

	for (size_t i = 0; i < count; i++) {
		for (scmp_datum_t family = from; family < families[i]; family++) {
			int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket),
						  1, SCMP_A0(SCMP_CMP_EQ, family));

			if (rc < 0)
				return rc;
		}
		from = families[i] + 1;
	}
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
				SCMP_A0(SCMP_CMP_GE, from));
}

static bool filter_calls(enum confine_network network, struct err *e)
{
	AUTO(filter) filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc;

	if (!filter)
		return err_set(e, ERR_SYSTEM, "no memory for the filter of system calls");
	rc = refuse_all(filter);
	if (rc == 0)
		rc = refuse_namespaces(filter);
	if (rc == 0)
		rc = refuse_typing(filter);
	if (rc == 0)
		rc = refuse_families(filter, network);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (rc == -EINVAL || rc == -ECANCELED || rc == -EOPNOTSUPP) {
		log_event(LOG_WARNING, "this kernel filters no system calls", "");
		return true;
	}
	errno = -rc;
	return rc == 0 || err_errno(e, ERR_SYSTEM, "system calls cannot be filtered");
}

bool confine(enum confine_network network, struct err *e)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(e, ERR_SYSTEM, "privileges cannot be given up");
	return filter_calls(network, e);
}
