// The clock of a bench that is written in SystemVerilog: it runs until the bench says $finish.

#include "Vbench.h"
#include "verilated.h"

int main(int argc, char** argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vbench bench(&context);
    bench.clock = 0;
    while (!context.gotFinish()) {
        bench.clock = !bench.clock;
        bench.eval();
        context.timeInc(1);
    }
    bench.final();
    return 0;
}
