#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# openmpi - three ranks pass a token around and sum what they have; mpirun is in the job too
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
. "$top_srcdir/tests/programs/lib-programs.sh"
requires mpicc mpirun python3 setpriv
up

cat >"$work/ring.c" <<'END'
#include <mpi.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int rank, size, sum, stop = 0;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	for (int round = 1; !stop; round++) {
		int token = round, mine = rank * round;

		if (rank == 0)
			MPI_Send(&token, 1, MPI_INT, 1, 0, MPI_COMM_WORLD);
		MPI_Recv(&token, 1, MPI_INT, (rank + size - 1) % size, 0, MPI_COMM_WORLD,
			 MPI_STATUS_IGNORE);
		if (rank > 0)
			MPI_Send(&token, 1, MPI_INT, (rank + 1) % size, 0, MPI_COMM_WORLD);
		MPI_Allreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
		if (rank == 0) {
			printf("%d %s\n", round, token == round && sum == 3 * round ? "right" : "wrong");
			fflush(stdout);
			stop = access(argv[1], F_OK) == 0;
		}
		MPI_Bcast(&stop, 1, MPI_INT, 0, MPI_COMM_WORLD);
		usleep(5000);
	}
	MPI_Finalize();
	return 0;
}
END
mpicc -O -o "$work/ring" "$work/ring.c"

for uid in 0 $nobody; do
	dir=$(user_dir "$uid" "mpi-$uid")
	as "$uid" env HOME="$dir" TMPDIR="$dir" OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
		vcrun --on=vc0 --name=mpi mpirun --oversubscribe --bind-to none -np 3 \
		"$work/ring" "$dir/stop" >"$work/mpi.out" 2>"$work/mpi.err" &
	job=$!
	wait_for more_lines "$work/mpi.out" 5
	bounce mpi "$uid" 0.1 gets_on "$work/mpi.out"
	: >"$dir/stop"
	wait $job || fail "mpirun: exit status $?: $(tail -n 5 "$work/mpi.err")"
	counts_up "rounds" "$work/mpi.out"
	is "wrong rounds" "$(grep -c wrong "$work/mpi.out" || :)" 0
	show_moves "Open MPI, 3 ranks, uid $uid, $(lines_in "$work/mpi.out") rounds"
done
