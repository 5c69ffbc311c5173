;; addi sp, sp, -32
;; sd ra, 24(sp)
;; sd s0, 16(sp)
;; sw a0, 12(sp)
;; lw a1, 8(sp)

(module
(import "m" "memory" (memory 1 65536))
(func $r1 (export "r1") (param $hart i32) (result i32)
  (local $ra i64)
  (local $sp i64)
  (local $s0 i64)
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
  (local $host0 i32)
  (local $i64_0 i64)
  (local.set $bank (i32.load offset=552 (local.get $hart)))
  (local.set $left (i32.load offset=548 (local.get $hart)))
  (local.set $base (local.tee $page (i64.load offset=1928 (local.get $hart))))
  (local.set $entry (i32.load offset=1940 (local.get $hart)))
  (local.set $ra (i64.load offset=16 (local.get $hart)))
  (local.set $sp (i64.load offset=24 (local.get $hart)))
  (local.set $s0 (i64.load offset=72 (local.get $hart)))
  (local.set $a0 (i64.load offset=88 (local.get $hart)))
  (block $exit
    (loop $loop0
      (block $node1 (br_table $node1 $node1 (local.get $entry)))
      (block $exit1_1
        (block $exit1_2
          (if
            (i32.lt_u (local.get $left) (i32.const 5))
            (then
              ;; leaves: budget
              (local.set $stop (i32.const 12582912))
              (br $exit)))
          (local.set $left (i32.sub (local.get $left) (i32.const 5)))
          ;; 80000000: addi sp,sp,-32
          (local.set $sp (i64.add (local.get $sp) (i64.const -32)))
          ;; 80000004: sd ra,24(sp)
          (local.set $address (i64.add (local.get $sp) (i64.const 8)))
          (if
            (i64.ne
              (local.tee $tag (i64.and (local.get $address) (i64.const -4089)))
              (i64.load offset=8192
                (local.tee $tlbEntry
                  (i32.add
                    (local.get $bank)
                    (i32.shl
                      (i32.shr_u (i32.mul (i32.wrap_i64 (local.get $tag)) (i32.const 2052)) (i32.const 23))
                      (i32.const 3))))))
            (then
              ;; leaves: lookUp
              (local.set $stop (i32.const 58736644))
              (br $exit1_1)))
          (if
            (i32.gt_u (i32.and (i32.wrap_i64 (local.get $address)) (i32.const 4095)) (i32.const 4072))
            (then
              ;; leaves: severalPages
              (local.set $stop (i32.const 54542340))
              (br $exit1_1)))
          (local.set $host0
            (i32.add (i32.wrap_i64 (local.get $address)) (i32.load offset=12288 (local.get $tlbEntry))))
          (i64.store offset=16 (local.get $host0) (local.get $ra))
          ;; 80000008: sd s0,16(sp)
          (i64.store offset=8 (local.get $host0) (local.get $s0))
          ;; 8000000c: sw a0,12(sp)
          (i64.store32 offset=4 (local.get $host0) (local.get $a0))
          ;; 80000010: lw a1,8(sp)
          (local.set $address (i64.add (local.get $sp) (i64.const 8)))
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
              (local.set $stop (i32.const 58724368))
              (br $exit1_1)))
          (local.set $i64_0
            (i64.load32_s
              (i32.add (i32.wrap_i64 (local.get $address)) (i32.load offset=4096 (local.get $tlbEntry)))))
          (local.set $a1 (local.get $i64_0))
          ;; leaves: illegal
          (local.set $stop (i32.const 41943060))
          (br $exit1_2))
        (i64.store offset=96 (local.get $hart) (local.get $a1)))
      (i64.store offset=24 (local.get $hart) (local.get $sp))
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
