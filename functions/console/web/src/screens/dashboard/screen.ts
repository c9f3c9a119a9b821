import { LayoutDashboard } from 'lucide-react';
import { msg } from '@/app/i18n';
import { defineScreen } from '@/app/screen';

export default defineScreen({
  nav: { to: '/dashboard', label: msg('Dashboard'), icon: LayoutDashboard, order: 10, onPhone: true, key: 'd' },
  routes: [{ path: '/dashboard', load: () => import('./index') }],
});
