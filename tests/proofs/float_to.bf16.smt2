; An f32 as a bf16, rounded to nearest even.
; A bf16 is the upper half of an f32. Of the two around a number, the nearer by their distances in f64, which are exact;
; behind the largest comes 2^128, which is written as infinity.
(define-fun x () (_ BitVec 32) (|float_to_n value| state))
(define-fun wide ((bits (_ BitVec 32))) (_ FloatingPoint 11 53)
  (let ((value ((_ to_fp 11 53) RNE ((_ to_fp 8 24) bits))))
    (ite (fp.isInfinite value)
         (ite (fp.isNegative value) ((_ to_fp 11 53) #xc7f0000000000000) ((_ to_fp 11 53) #x47f0000000000000))
         value)))
(define-fun inner () (_ BitVec 32) (concat ((_ extract 31 16) x) #x0000))
(define-fun outer () (_ BitVec 32) (bvadd inner #x00010000))
(define-fun to_inner () (_ FloatingPoint 11 53) (fp.abs (fp.sub RNE (wide x) (wide inner))))
(define-fun to_outer () (_ FloatingPoint 11 53) (fp.abs (fp.sub RNE (wide outer) (wide x))))
(define-fun is_even () Bool (= ((_ extract 16 16) x) #b0))
(define-fun nearest () (_ BitVec 32)
  (ite (or (fp.lt to_inner to_outer) (and (fp.eq to_inner to_outer) is_even)) inner outer))
(define-fun assumed () Bool
  (and (= (|float_to_n code| state) #b011) (is_canonical x)))
(define-fun claimed () Bool
  (= (|float_to_n bits| state)
     (ite (fp.isNaN ((_ to_fp 8 24) x)) #x00007fc0
     (ite (fp.isInfinite ((_ to_fp 8 24) x)) (concat #x0000 ((_ extract 31 16) x))
          (concat #x0000 ((_ extract 31 16) nearest))))))
