/* silent: a target that includes this says nothing of its own: the commands that it runs say much, and
 * what the fuzzer has to say does not go this way. */
#ifndef TESTS_FUZZ_SILENT_H
#define TESTS_FUZZ_SILENT_H

#include <assert.h>
#include <stdio.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stdout = stderr = fopen("/dev/null", "w");
	assert(stderr);
	return 0;
}

#endif
