.option norelax
.option norvc
fmv.s fa0, fa1
fneg.s ft0, ft11
fabs.s fs0, fs1
fmv.d fa0, fa1
fneg.d ft0, ft11
fabs.d fs0, fs1
fgt.s a0, fa0, fa1
fge.s a0, fa0, fa1
fgt.d a0, fa0, fa1
fge.d a0, fa0, fa1
fmv.x.s a0, fa0
fmv.s.x fa0, a0
frcsr a0
fscsr a1
fscsr a0, a1
frrm a0
fsrm a1
fsrm a0, a1
fsrmi 3
fsrmi a0, 4
frflags a0
fsflags a1
fsflags a0, a1
fsflagsi 31
fsflagsi a0, 1
fadd.d fa0, fa1, fa2
fadd.d fa0, fa1, fa2, rne
fadd.s f0, f31, f15, rtz
fmadd.d fa0, fa1, fa2, fa3
fnmsub.s fa0, fa1, fa2, fa3, rup
fsqrt.d fa0, fa1
fsqrt.s fa0, fa1, rmm
fcvt.w.d a0, fa0, rtz
fcvt.lu.s a0, fa0
fcvt.d.w fa0, a0
fcvt.d.wu fa0, a0
fcvt.d.s fa0, fa1
fcvt.s.d fa0, fa1, rdn
fcvt.d.lu fa0, a0, dyn
flw fa0, -4(sp)
fsd ft3, 2047(t0)
1: flw fa0, 1b, t0
fld fa1, 1b, t1
fsw fa0, 1b, t0
fsd fa1, 1b, t2
fclass.d a0, fa0
fmv.x.d a0, fa0
fmv.d.x fa0, a0
.option rvc
fld fa0, 8(a0)
fld fa0, 256(a0)
fld ft0, 8(a0)
fld ft0, 504(sp)
fld ft0, 512(sp)
fsd fs0, 248(s1)
fsd fs0, 248(t0)
fsd ft11, 0(sp)
flw fa0, 8(a0)
c.fld fa5, 16(a4)
c.fsdsp fs11, 64(sp)
