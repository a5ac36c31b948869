; What the proofs share: the values of N-FLOAT (docs/numerics.md) in the theory of floating point of SMT-LIB 2.

; The number that an f32 is read as: a subnormal counts as zero of its sign.
(define-fun number ((bits (_ BitVec 32))) (_ FloatingPoint 8 24)
  (ite (= ((_ extract 30 23) bits) #x00)
       ((_ to_fp 8 24) (concat ((_ extract 31 31) bits) (_ bv0 31)))
       ((_ to_fp 8 24) bits)))

; Whether an f32 is what a result is written as: one NaN, and zero for a subnormal.
(define-fun writes ((bits (_ BitVec 32)) (x (_ FloatingPoint 8 24))) Bool
  (ite (fp.isNaN x) (= bits #x7fc00000)
  (ite (fp.isSubnormal x) (= bits (ite (fp.isNegative x) #x80000000 #x00000000))
       (= ((_ to_fp 8 24) bits) x))))

; Whether an f32 is one that goes from unit to unit: no subnormal, and no NaN but one.
(define-fun is_canonical ((bits (_ BitVec 32))) Bool
  (let ((x ((_ to_fp 8 24) bits)))
    (and (not (fp.isSubnormal x)) (=> (fp.isNaN x) (= bits #x7fc00000)))))
