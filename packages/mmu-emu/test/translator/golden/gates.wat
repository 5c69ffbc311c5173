;; 1: mv a1, a0
;; 2: call 3f
;; call 3f
;; call 3f
;; bnez a1, 2b
;; bnez a0, 1b
;; ebreak
;; 3: addi a1, a1, -1
;; ret

(module
(import "m" "memory" (memory 1 65536))
(func $r1 (export "r1") (param $hart i32) (result i32)
  (local $ra i64)
  (local $a0 i64)
  (local $a1 i64)
  (local $left i32)
  (local $page i64)
  (local $bank i32)
  (local $pc i64)
  (local $address i64)
  (local $tag i64)
  (local $tlbEntry i32)
  (local $isFloatReady i32)
  (local $fcsr i64)
  (local $entry i32)
  (local $base i64)
  (local $stop i32)
  (local $i64_0 i64)
  (local.set $bank (i32.load offset=552 (local.get $hart)))
  (local.set $left (i32.load offset=548 (local.get $hart)))
  (local.set $base (local.tee $page (i64.load offset=1928 (local.get $hart))))
  (local.set $entry (i32.load offset=1940 (local.get $hart)))
  (local.set $a0 (i64.load offset=88 (local.get $hart)))
  (local.set $a1 (i64.load offset=96 (local.get $hart)))
  (block $exit
    (loop $loop0
      (block $node7 (br_table $node7 $node7 $node7 $node7 $node7 $node7 $node7 (local.get $entry)))
      (loop $loop7
        (block $node8
          (if
            (i32.ne (local.get $entry) (i32.const -1))
            (then
              (if
                (i32.and
                  (i32.wrap_i64 (i64.shr_u (i64.const 30) (i64.extend_i32_u (local.get $entry))))
                  (i32.const 1))
                (then (br $node8)))
              (local.set $entry (i32.const -1))))
          (block $exit4_1
            (if
              (i32.lt_u (local.get $left) (i32.const 1))
              (then
                ;; leaves: budget
                (local.set $stop (i32.const 12582912))
                (br $exit)))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            ;; 80000000: addi a1,a0,0
            (local.set $a1 (local.get $a0))
            (i64.store offset=96 (local.get $hart) (local.get $a1))
            (br $node8))
          (br $exit))
        (loop $loop8
          (if
            (i32.ne (local.get $entry) (i32.const -1))
            (then
              (if
                (i32.eq (local.get $entry) (i32.const 1))
                (then
                  (local.set $entry (i32.const -1))
                  (block $exit6_1
                    (if
                      (i32.lt_u (local.get $left) (i32.const 2))
                      (then
                        ;; leaves: budget
                        (local.set $stop (i32.const 12582924))
                        (br $exit)))
                    (local.set $left (i32.sub (local.get $left) (i32.const 2)))
                    ;; 8000000c: auipc ra,0x0
                    (local.set $ra (i64.add (local.get $page) (i64.const 12)))
                    ;; 80000010: jalr ra,28(ra)
                    (local.set $i64_0 (i64.and (i64.add (local.get $ra) (i64.const 28)) (i64.const -2)))
                    (local.set $ra (i64.add (local.get $page) (i64.const 20)))
                    (local.set $pc (local.get $i64_0))
                    (if
                      (i64.eq (i64.and (local.get $pc) (i64.const -4096)) (local.get $page))
                      (then
                        (local.set $entry
                          (i32.load offset=32800
                            (i32.add
                              (i32.load offset=1936 (local.get $hart))
                              (i32.shl
                                (i32.and (i32.wrap_i64 (local.get $pc)) (i32.const 4095))
                                (i32.const 1)))))
                        (if
                          (i32.eq (i32.shr_u (local.get $entry) (i32.const 16)) (i32.const 1))
                          (then
                            (local.set $entry (i32.and (local.get $entry) (i32.const 65535)))
                            (i64.store offset=16 (local.get $hart) (local.get $ra))
                            (local.set $a0 (i64.load offset=88 (local.get $hart)))
                            (local.set $a1 (i64.load offset=96 (local.get $hart)))
                            (br $loop0)))))
                    (local.set $base (local.get $pc))
                    ;; leaves: computedJump
                    (local.set $stop (i32.const 8388608))
                    (br $exit6_1))
                  (i64.store offset=16 (local.get $hart) (local.get $ra))
                  (br $exit)))
              (if
                (i32.eq (local.get $entry) (i32.const 2))
                (then
                  (local.set $entry (i32.const -1))
                  (block $exit5_1
                    (if
                      (i32.lt_u (local.get $left) (i32.const 2))
                      (then
                        ;; leaves: budget
                        (local.set $stop (i32.const 12582932))
                        (br $exit)))
                    (local.set $left (i32.sub (local.get $left) (i32.const 2)))
                    ;; 80000014: auipc ra,0x0
                    (local.set $ra (i64.add (local.get $page) (i64.const 20)))
                    ;; 80000018: jalr ra,20(ra)
                    (local.set $i64_0 (i64.and (i64.add (local.get $ra) (i64.const 20)) (i64.const -2)))
                    (local.set $ra (i64.add (local.get $page) (i64.const 28)))
                    (local.set $pc (local.get $i64_0))
                    (if
                      (i64.eq (i64.and (local.get $pc) (i64.const -4096)) (local.get $page))
                      (then
                        (local.set $entry
                          (i32.load offset=32800
                            (i32.add
                              (i32.load offset=1936 (local.get $hart))
                              (i32.shl
                                (i32.and (i32.wrap_i64 (local.get $pc)) (i32.const 4095))
                                (i32.const 1)))))
                        (if
                          (i32.eq (i32.shr_u (local.get $entry) (i32.const 16)) (i32.const 1))
                          (then
                            (local.set $entry (i32.and (local.get $entry) (i32.const 65535)))
                            (i64.store offset=16 (local.get $hart) (local.get $ra))
                            (local.set $a0 (i64.load offset=88 (local.get $hart)))
                            (local.set $a1 (i64.load offset=96 (local.get $hart)))
                            (br $loop0)))))
                    (local.set $base (local.get $pc))
                    ;; leaves: computedJump
                    (local.set $stop (i32.const 8388608))
                    (br $exit5_1))
                  (i64.store offset=16 (local.get $hart) (local.get $ra))
                  (br $exit)))
              (if
                (i32.eq (local.get $entry) (i32.const 3))
                (then
                  (local.set $entry (i32.const -1))
                  (if
                    (i32.lt_u (local.get $left) (i32.const 2))
                    (then
                      ;; leaves: budget
                      (local.set $stop (i32.const 12582940))
                      (br $exit)))
                  (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                  ;; 8000001c: bne a1,zero,0x80000004
                  (if (i64.ne (local.get $a1) (i64.const 0)) (then (br $loop8)))
                  (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                  ;; 80000020: bne a0,zero,0x80000000
                  (if (i64.ne (local.get $a0) (i64.const 0)) (then (br $loop7)))
                  ;; leaves: otherRegion
                  (local.set $stop (i32.const 4194340))
                  (br $exit)))
              (local.set $entry (i32.const -1))))
          (block $exit1_1
            (if
              (i32.lt_u (local.get $left) (i32.const 2))
              (then
                ;; leaves: budget
                (local.set $stop (i32.const 12582916))
                (br $exit)))
            (local.set $left (i32.sub (local.get $left) (i32.const 2)))
            ;; 80000004: auipc ra,0x0
            (local.set $ra (i64.add (local.get $page) (i64.const 4)))
            ;; 80000008: jalr ra,36(ra)
            (local.set $i64_0 (i64.and (i64.add (local.get $ra) (i64.const 36)) (i64.const -2)))
            (local.set $ra (i64.add (local.get $page) (i64.const 12)))
            (local.set $pc (local.get $i64_0))
            (if
              (i64.eq (i64.and (local.get $pc) (i64.const -4096)) (local.get $page))
              (then
                (local.set $entry
                  (i32.load offset=32800
                    (i32.add
                      (i32.load offset=1936 (local.get $hart))
                      (i32.shl (i32.and (i32.wrap_i64 (local.get $pc)) (i32.const 4095)) (i32.const 1)))))
                (if
                  (i32.eq (i32.shr_u (local.get $entry) (i32.const 16)) (i32.const 1))
                  (then
                    (local.set $entry (i32.and (local.get $entry) (i32.const 65535)))
                    (i64.store offset=16 (local.get $hart) (local.get $ra))
                    (local.set $a0 (i64.load offset=88 (local.get $hart)))
                    (local.set $a1 (i64.load offset=96 (local.get $hart)))
                    (br $loop0)))))
            (local.set $base (local.get $pc))
            ;; leaves: computedJump
            (local.set $stop (i32.const 8388608))
            (br $exit1_1))
          (i64.store offset=16 (local.get $hart) (local.get $ra))
          (br $exit)))))
  (i64.store
    (local.get $hart)
    (i64.add (local.get $base) (i64.extend_i32_u (i32.and (local.get $stop) (i32.const 4095)))))
  (i32.or
    (i32.shl
      (i32.add (local.get $left) (i32.and (i32.shr_u (local.get $stop) (i32.const 12)) (i32.const 1023)))
      (i32.const 6))
    (i32.shr_u (local.get $stop) (i32.const 22))))
)
