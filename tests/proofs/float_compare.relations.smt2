; The six relations of two numbers.
(define-fun a () (_ FloatingPoint 8 24) (number (|float_compare_n a| state)))
(define-fun b () (_ FloatingPoint 8 24) (number (|float_compare_n b| state)))
(define-fun relation () (_ BitVec 3) (|float_compare_n relation| state))
(define-fun assumed () Bool
  (and (bvult relation #b110) (is_canonical (|float_compare_n a| state)) (is_canonical (|float_compare_n b| state))))
(define-fun claimed () Bool
  (= (|float_compare_n holds| state)
     (ite (= relation #b000) (fp.eq a b)
     (ite (= relation #b001) (not (fp.eq a b))
     (ite (= relation #b010) (fp.lt a b)
     (ite (= relation #b011) (fp.leq a b)
     (ite (= relation #b100) (fp.gt a b) (fp.geq a b))))))))
