;; fadd.d fa0, fa1, fa2

(module
(import "m" "memory" (memory 1 65536))
(func $r1 (export "r1") (param $hart i32) (result i32)
  (local $fa0 i64)
  (local $fa1 i64)
  (local $fa2 i64)
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
  (local $i64_1 i64)
  (local $i64_2 i64)
  (local $i64_3 i64)
  (local $i64_4 i64)
  (local.set $bank (i32.load offset=552 (local.get $hart)))
  (local.set $fcsr (i64.load32_u offset=520 (local.get $hart)))
  (local.set $isFloatReady
    (i32.eq (i32.and (i32.load offset=704 (local.get $hart)) (i32.const 24576)) (i32.const 24576)))
  (local.set $left (i32.load offset=548 (local.get $hart)))
  (local.set $base (local.tee $page (i64.load offset=1928 (local.get $hart))))
  (local.set $entry (i32.load offset=1940 (local.get $hart)))
  (local.set $fa1 (i64.load offset=352 (local.get $hart)))
  (local.set $fa2 (i64.load offset=360 (local.get $hart)))
  (block $exit
    (loop $loop0
      (block $node1 (br_table $node1 $node1 (local.get $entry)))
      (block $exit1_1
        (if
          (i32.lt_u (local.get $left) (i32.const 1))
          (then
            ;; leaves: budget
            (local.set $stop (i32.const 12582912))
            (br $exit)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        ;; 80000000: fadd.d fa0,fa1,fa2
        (if
          (i32.eqz (local.get $isFloatReady))
          (then
            ;; leaves: floatState
            (local.set $stop (i32.const 46141440))
            (br $exit)))
        (local.set $i64_0 (i64.shr_u (local.get $fcsr) (i64.const 5)))
        (if
          (i64.gt_u (local.get $i64_0) (i64.const 4))
          (then
            ;; leaves: roundingMode
            (local.set $stop (i32.const 50335744))
            (br $exit)))
        (local.set $i64_1 (local.get $fa1))
        (local.set $i64_2 (local.get $fa2))
        (local.set $i64_3
          (i64.reinterpret_f64
            (f64.add (f64.reinterpret_i64 (local.get $i64_1)) (f64.reinterpret_i64 (local.get $i64_2)))))
        (block $certain
          (block $doubt
            (br_if $doubt (i32.eqz (i64.eqz (local.get $i64_0))))
            (if
              (i32.wrap_i64 (i64.and (local.get $fcsr) (i64.const 1)))
              (then)
              (else
                (br_if $doubt
                  (i32.eqz
                    (i32.or
                      (i32.or
                        (i64.eqz (i64.and (local.get $i64_1) (i64.const 9223372036854775807)))
                        (i32.const 0))
                      (f64.eq
                        (f64.add
                          (f64.sub
                            (f64.reinterpret_i64 (local.get $i64_1))
                            (f64.sub
                              (f64.reinterpret_i64 (local.get $i64_3))
                              (f64.sub
                                (f64.reinterpret_i64 (local.get $i64_3))
                                (f64.reinterpret_i64 (local.get $i64_1)))))
                          (f64.sub
                            (f64.reinterpret_i64 (local.get $i64_2))
                            (f64.sub
                              (f64.reinterpret_i64 (local.get $i64_3))
                              (f64.reinterpret_i64 (local.get $i64_1)))))
                        (f64.reinterpret_i64 (i64.const 0))))))))
            (br_if $doubt
              (i32.eqz
                (i64.lt_u
                  (i64.and (i64.shr_u (local.get $i64_3) (i64.const 52)) (i64.const 2047))
                  (i64.const 2047))))
            (br $certain))
          ;; leaves: floatAdd
          (local.set $stop (i32.const 71307264))
          (br $exit))
        (local.set $i64_4 (local.get $i64_3))
        (local.set $fa0 (local.get $i64_4))
        ;; leaves: illegal
        (local.set $stop (i32.const 41943044))
        (br $exit1_1))
      (i64.store offset=344 (local.get $hart) (local.get $fa0))
      (br $exit)))
  (i64.store
    (local.get $hart)
    (i64.add (local.get $base) (i64.extend_i32_u (i32.and (local.get $stop) (i32.const 4095)))))
  (i32.or
    (i32.shl
      (i32.add (local.get $left) (i32.and (i32.shr_u (local.get $stop) (i32.const 12)) (i32.const 1023)))
      (i32.const 6))
    (i32.shr_u (local.get $stop) (i32.const 22))))
)
