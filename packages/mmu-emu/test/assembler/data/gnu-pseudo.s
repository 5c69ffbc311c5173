.option norelax
.option norvc
.globl _start
_start:
nop
mv a0, a1
not t0, t1
neg s0, s1
negw s0, s1
sext.w a2, a3
zext.b a2, a3
seqz a4, a5
snez a4, a5
sltz a4, a5
sgtz a4, a5
sgt a0, a1, a2
sgtu a0, a1, a2
1: beqz a0, 1b
bnez a0, 1f
blez a0, 1b
bgez a0, 1f
bltz a0, 1b
bgtz a0, 1f
bgt a0, a1, 1b
ble a0, a1, 1f
1: bgtu a0, a1, 1b
bleu a0, a1, forward
j forward
jal forward
jal t0, forward
jr t1
jr 8(t1)
jalr t1
jalr 16(t1)
jalr a0, t1
jalr a0, -4(t1)
jalr a0, t1, -4
ret
call forward
call t0, forward
tail _start
lla a0, data
lla a1, _start
csrr a0, mhartid
csrw mtvec, t0
csrs mstatus, t1
csrc sstatus, t2
csrwi mscratch, 5
csrsi mie, 31
csrci sie, 0
csrw mscratch, 7
csrs mie, 9
csrc sie, 10
csrrw a0, mscratch, 12
csrrs a0, 0x340, 13
csrrw a0, pmpaddr63, a1
csrr a1, pmpcfg14
csrr a2, hpmcounter31
rdcycle t3
rdtime t4
rdinstret t5
fence
fence r, rw
fence iorw, o
fence.tso
fence.i
pause
sfence.vma
sfence.vma a0
sfence.vma a0, a1
sfence.vma zero, a1
ecall
ebreak
mret
sret
wfi
unimp
add a0, a1, 5
addw a0, a1, -5
and a0, a1, 0x7ff
or a0, a1, -0x800
xor a0, a1, 0b1010
slt a0, a1, 'a'
sltu a0, a1, 010
sll a0, a1, 63
srl a0, a1, 1
sra a0, a1, 2
sllw a0, a1, 31
srlw a0, a1, 1
sraw a0, a1, 2
lw a0, data
ld a1, data
lbu a2, data
sw a0, data, t0
sd a0, data, t1
lui a0, %hi(ABSOLUTE)
addi a0, a0, %lo(ABSOLUTE)
lw a0, %lo(ABSOLUTE)(a0)
sw a0, %lo(ABSOLUTE)(a1)
2: auipc a0, %pcrel_hi(data)
addi a0, a0, %pcrel_lo(2b)
sd a1, %pcrel_lo(2b)(a0)
lui t0, 0xfffff
auipc t0, 0
lr.w a0, (a1)
lr.d.aq a0, (a1)
sc.w.rl a0, a2, (a1)
sc.d.aqrl a0, a2, (a1)
amoswap.w a0, a2, (a1)
amomaxu.d.aqrl zero, a2, (a1)
amoadd.w x31, x30, 0(x29)
lb fp, -2048(sp)
sd x8, 2047(x2)
lw a0, (sp)
lw a0, 4+8*2-1(sp)
lw a0, (4 + 8) * 2(sp)
addi a0, a0, ~0x0f & 0xff
addi a0, a0, 1 << 4 | 3
addi a0, a0, 6 / 2 * 3 % 5
addi a0, a0, 1 + 2 & 3
li a0, 0
li a0, 2047
li a0, -2048
li a0, 2048
li a0, 0x7fffffff
li a0, -0x80000000
li a0, 0xfffffffffffff800
.balign 16
forward:
.byte 1, 2, -1, 'x'
.half 0x1234, -1
.word 0xdeadbeef, . - forward
.dword 0x0123456789abcdef, forward, -1
.ascii "hi\n\t\"\\", "\x41\101"
.asciz "zero"
.string "more; # // not a comment" # a comment
.p2align 3
.zero 3
.space 5, 0xaa
.align 2
data: .dword data - _start
.set COUNT, 3
.set COUNT, COUNT + 1
.byte COUNT; .byte COUNT * 2
/* a block
   comment */ .byte 7
.equ ABSOLUTE, 0x12345ffc
.short 5
.4byte 6
.8byte 7
.balign 4, 0xcc
nop
.balign 64
