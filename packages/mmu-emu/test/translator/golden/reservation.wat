;; lr.w a0, (a1)
;; sc.w a2, a0, (a1)

(module
(import "m" "memory" (memory 1 65536))
(func $r1 (export "r1") (param $hart i32) (result i32)
  (local $a0 i64)
  (local $a1 i64)
  (local $a2 i64)
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
  (local.set $a1 (i64.load offset=96 (local.get $hart)))
  (block $exit
    (loop $loop0
      (block $node1 (br_table $node1 $node1 (local.get $entry)))
      (block $exit1_1
        (block $exit1_2
          (if
            (i32.lt_u (local.get $left) (i32.const 2))
            (then
              ;; leaves: budget
              (local.set $stop (i32.const 12582912))
              (br $exit)))
          (local.set $left (i32.sub (local.get $left) (i32.const 2)))
          ;; 80000000: lr.w a0,(a1)
          (local.set $address (local.get $a1))
          (if
            (i64.ne
              (local.tee $tag (i64.and (local.get $address) (i64.const -4093)))
              (i64.load
                (local.tee $tlbEntry
                  (i32.add
                    (local.get $bank)
                    (i32.shl
                      (i32.shr_u (i32.mul (i32.wrap_i64 (local.get $tag)) (i32.const 2052)) (i32.const 23))
                      (i32.const 3))))))
            (then
              ;; leaves: lookUp
              (local.set $stop (i32.const 58728448))
              (br $exit)))
          (i32.store offset=576
            (local.get $hart)
            (i32.add (i32.wrap_i64 (local.get $address)) (i32.load offset=4096 (local.get $tlbEntry))))
          (local.set $i64_0
            (i64.load32_s
              (i32.add (i32.wrap_i64 (local.get $address)) (i32.load offset=4096 (local.get $tlbEntry)))))
          (local.set $a0 (local.get $i64_0))
          ;; 80000004: sc.w a2,a0,(a1)
          (local.set $address (local.get $a1))
          (if
            (i64.ne
              (local.tee $tag (i64.and (local.get $address) (i64.const -4093)))
              (i64.load offset=8192
                (local.tee $tlbEntry
                  (i32.add
                    (local.get $bank)
                    (i32.shl
                      (i32.shr_u (i32.mul (i32.wrap_i64 (local.get $tag)) (i32.const 2052)) (i32.const 23))
                      (i32.const 3))))))
            (then
              ;; leaves: lookUp
              (local.set $stop (i32.const 58724356))
              (br $exit1_1)))
          (local.set $tlbEntry
            (i32.add (i32.wrap_i64 (local.get $address)) (i32.load offset=12288 (local.get $tlbEntry))))
          (local.set $i64_0 (i64.const 1))
          (if
            (i32.eq (local.get $tlbEntry) (i32.load offset=576 (local.get $hart)))
            (then (i64.store32 (local.get $tlbEntry) (local.get $a0)) (local.set $i64_0 (i64.const 0))))
          (i32.store offset=576 (local.get $hart) (i32.const 0))
          (local.set $a2 (local.get $i64_0))
          ;; leaves: illegal
          (local.set $stop (i32.const 41943048))
          (br $exit1_2))
        (i64.store offset=104 (local.get $hart) (local.get $a2)))
      (i64.store offset=88 (local.get $hart) (local.get $a0))
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
