/*
 * embed.h - a file put into the program by the assembler: SYMBOL_begin up to SYMBOL_end,
 * with a NUL behind. The Makefile must name it as a prerequisite of the object.
 */
#ifndef NET_EMBED_H
#define NET_EMBED_H

#define EMBED(symbol, path)                                                            \
    __asm__(".section .rodata\n"                                                       \
            ".global " #symbol "_begin, " #symbol "_end\n"                             \
            ".hidden " #symbol "_begin, " #symbol "_end\n" #symbol "_begin:\n"         \
            ".incbin \"" path "\"\n" #symbol "_end:\n"                                 \
            ".byte 0\n"                                                                \
            ".previous\n");                                                            \
    extern const char symbol##_begin[], symbol##_end[]

#endif
