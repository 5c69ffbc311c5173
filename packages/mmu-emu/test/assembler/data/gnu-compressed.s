.option rvc
nop
li a0, 5
li a0, -32
li a0, 32
addi a0, a0, 31
addi a0, a0, -33
addi sp, sp, -32
addi sp, sp, 496
addi sp, sp, 512
addi s0, sp, 16
addi s0, sp, 1020
addi t0, sp, 16
addiw a0, a0, 1
sext.w a0, a0
mv a0, t6
add a0, a0, t6
add t6, a0, t6
sub a0, a0, a1
sub t0, t0, a1
and s0, s0, a5
and s0, a5, s0
or a0, a0, a1
xor a0, a0, a1
addw a0, a0, a1
subw a0, a0, a1
andi a0, a0, -1
andi a0, a0, 32
slli t0, t0, 63
srli a0, a0, 32
srai a0, a0, 1
srli t0, t0, 1
lui a0, 1
lui a0, 31
lui a0, 0xfffe0
lui a0, 32
lui sp, 1
lw a0, 4(a1)
lw a0, 124(a1)
lw a0, 128(a1)
lw a0, 2(a1)
lw t0, 4(sp)
lw a0, 252(sp)
lw a0, 256(sp)
ld a0, 248(a1)
ld t0, 504(sp)
ld a0, 512(sp)
sw a0, 4(a1)
sw t0, 252(sp)
sd a0, 8(a1)
sd t0, 504(sp)
jr t0
jalr t0
ret
ebreak
1: j 1b
beqz a0, 1b
bnez s1, 1b
beqz t0, 1b
c.addi a0, 1
c.addi4spn a0, sp, 8
c.addi16sp sp, -64
c.li a0, 1
c.lui a0, 0xfffff
c.slli a0, 1
c.lwsp a0, 0(sp)
c.ld a0, 8(a1)
c.nop
c.ebreak
c.jr ra
c.jalr ra
c.mv a0, a1
.option push
.option norvc
nop
.option pop
nop
