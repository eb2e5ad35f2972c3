// Switching stacks on x86-64 (System V ABI).
//
// A suspended stack looks like this; its pointer is the address of the r15 slot:
//
//      +48  return address        popped and jumped to
//      +40  rbp
//      +32  rbx
//      +24  r12                   new stack: the entry's argument
//      +16  r13                   new stack: the entry function
//       +8  r14
//       +0  r15
//       -8  mxcsr, x87 control    only with gyre__switch_fpenv, and then the pointer is here
//
// Only what the callee must preserve is kept: the compiler has saved everything else around the
// call. The way back is `pop` and an indirect jump, never `ret`: the return predictor still holds
// the caller on the other stack, so a `ret` would always mispredict. Whoever calls these as its
// last act leaves no `ret` of its own behind that would mispredict either.

        .macro save one:req
        pushq   %\one
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %\one, 0
        .endm

        .macro restore one:req
        popq    %\one
        .cfi_adjust_cfa_offset -8
        .cfi_restore %\one
        .endm

        .macro save_registers
        save    rbp
        save    rbx
        save    r12
        save    r13
        save    r14
        save    r15
        .endm

        .macro restore_registers_and_go_on
        restore r15
        restore r14
        restore r13
        restore r12
        restore rbx
        restore rbp
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rcx
        notrack jmpq *%rcx
        .endm

        .macro function name:req
        .globl  \name
        .hidden \name
        .type   \name, @function
        .p2align 4
\name:
        .cfi_startproc
        .endm

        .macro end name:req
        .cfi_endproc
        .size   \name, .-\name
        .endm

        .text

        function gyre__switch
        endbr64
        save_registers
        movq    %rsp, (%rdi)            // *save
        movq    %rsi, %rsp              // load: from here on the other stack, laid out the same
        movq    %rdx, %rax              // value
        restore_registers_and_go_on
        end     gyre__switch

        function gyre__switch_fpenv
        endbr64
        save_registers
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        movq    %rsp, (%rdi)            // *save
        movq    %rsi, %rsp              // load
        movq    %rdx, %rax              // value
        ldmxcsr (%rsp)
        fldcw   4(%rsp)
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        restore_registers_and_go_on
        end     gyre__switch_fpenv

// Where a new stack begins. The undefined return address tells debuggers that nothing called it.
        function gyre__coro_entry
        .cfi_undefined %rip
        endbr64
        xorl    %ebp, %ebp
        movq    %r12, %rdi              // arg
        callq   *%r13                   // entry
        ud2                             // the entry never returns
        end     gyre__coro_entry

// void *gyre__switch_prepare(void *base, void *top, gyre__entry_fn *entry, void *arg)
        function gyre__switch_prepare
        endbr64
        leaq    -56(%rsi), %rax         // popping it all leaves rsp = top, aligned for a call
        leaq    gyre__coro_entry(%rip), %r8
        movq    %r8, 48(%rax)           // return address
        movq    $0, 40(%rax)            // rbp
        movq    $0, 32(%rax)            // rbx
        movq    %rcx, 24(%rax)          // r12: arg
        movq    %rdx, 16(%rax)          // r13: entry
        movq    $0, 8(%rax)             // r14
        movq    $0, (%rax)              // r15
        ret
        end     gyre__switch_prepare

        function gyre__switch_prepare_fpenv
        endbr64
        callq   gyre__switch_prepare
        leaq    -8(%rax), %rax
        stmxcsr (%rax)
        fnstcw  4(%rax)
        ret
        end     gyre__switch_prepare_fpenv

        .section .rodata
        .globl  gyre__switch_name
        .hidden gyre__switch_name
        .type   gyre__switch_name, @object
gyre__switch_name:
        .asciz  "x86_64"
        .size   gyre__switch_name, .-gyre__switch_name

        .section .note.GNU-stack, "", @progbits

// Indirect branch tracking is fine with this file (IBT); the shadow stack (SHSTK) is not claimed.
        .section .note.gnu.property, "a", @note
        .p2align 3
        .long   4                       // "GNU\0"
        .long   16
        .long   5                       // NT_GNU_PROPERTY_TYPE_0
        .asciz  "GNU"
        .long   0xc0000002              // GNU_PROPERTY_X86_FEATURE_1_AND
        .long   4
        .long   1                       // IBT
        .long   0
